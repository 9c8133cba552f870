import type { Build } from '../builds/build.ts'
import { buildTime } from '../builds/describe.ts'
import { stepTimes } from '../builds/step-times.ts'

/** What is counted of a build that has ended. Durations are seconds. */
export interface EndedBuild {
  readonly state: string
  /** `host/path` */
  readonly repository: string
  readonly image: string
  /** From the start of its first Job; undefined if it had none. */
  readonly seconds: number | undefined
  /** How long it was at each step, all its tries and platforms together. */
  readonly steps: ReadonlyMap<string, number>
}

/** Takes from a record what the metrics count. Pure. */
export function endedBuild(build: Build): EndedBuild {
  const { repository, image, state, tries, steps, endedAt } = build
  const times = new Map<string, number>()
  const spent = stepTimes(build, endedAt ?? 0)
  for (const [index, { name }] of steps.entries()) {
    // No time passes at it.
    if (name === 'pushed') continue
    times.set(name, (times.get(name) ?? 0) + (spent[index]?.ms ?? 0) / 1000)
  }
  return {
    state,
    repository: `${repository.host}/${repository.path}`,
    image,
    seconds: tries > 0 ? buildTime(build) / 1000 : undefined,
    steps: tries > 0 ? times : new Map(),
  }
}
