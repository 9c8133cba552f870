import type { Build } from '../builds/build.ts'
import { buildTime } from '../builds/describe.ts'

/** What is counted of a build that has ended. Durations are seconds. */
export interface EndedBuild {
  readonly state: string
  /** `host/path` */
  readonly repository: string
  readonly image: string
  /** From the start of its first Job; undefined if it had none. */
  readonly seconds: number | undefined
  /** How long it was at each step, all its tries together. */
  readonly steps: ReadonlyMap<string, number>
}

/** Takes from a record what the metrics count. Pure. */
export function endedBuild(build: Build): EndedBuild {
  const { repository, image, state, tries, steps, endedAt } = build
  const times = new Map<string, number>()
  for (const [index, { name, at }] of steps.entries()) {
    const until = steps[index + 1]?.at ?? endedAt ?? at
    times.set(name, (times.get(name) ?? 0) + (until - at) / 1000)
  }
  return {
    state,
    repository: `${repository.host}/${repository.path}`,
    image,
    seconds: tries > 0 ? buildTime(build) / 1000 : undefined,
    steps: tries > 0 ? times : new Map(),
  }
}
