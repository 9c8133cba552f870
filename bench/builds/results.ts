import { differences, ratios, summarise, type Summary } from '../statistics.ts'
import type { BareBuild } from './bare-build.ts'
import type { KanihookBuild } from './kanihook-build.ts'

/** All times are milliseconds. */
export interface BuildsResult {
  readonly builds: number
  /** Where a build by push spends its time, in order and without a gap, and the whole of it. */
  readonly kanihook: readonly Span[]
  readonly bare: readonly Span[]
  /** A span of kanihook's against one of the bare Job of the same round. */
  readonly against: readonly Comparison[]
}

export interface Span {
  readonly name: string
  readonly ms: Summary
}

export interface Comparison {
  readonly kanihook: string
  readonly bare: string
  readonly moreMs: Summary
  readonly ratio: Summary
}

type Measure<Build> = readonly [name: string, ms: (build: Build) => number]

const fromPush: Measure<KanihookBuild> = [
  'git push begins → success in Gitea',
  ({ pushAt, successAt }) => successAt - pushAt,
]
/** Without what git and Gitea take before kanihook hears of the push. */
const fromDelivery: Measure<KanihookBuild> = [
  'delivery arrives → success in Gitea',
  ({ deliveredAt, successAt }) => successAt - deliveredAt,
]

/** What starting the two containers together changes. */
const ofPod: Measure<KanihookBuild> = [
  'Job created → container ended',
  ({ sighting }) => sighting.endedAt - sighting.createdAt,
]

const ofKanihook: readonly Measure<KanihookBuild>[] = [
  ['git push begins → delivery arrives', (build) => build.deliveredAt - build.pushAt],
  ['delivery arrives → 202', (build) => build.answeredAt - build.deliveredAt],
  ['202 → planned', (build) => build.plannedAt - build.answeredAt],
  ['planned → Job created', ({ plannedAt, sighting }) => sighting.createdAt - plannedAt],
  ofPod,
  ['container ended → success in Gitea', (build) => build.successAt - build.sighting.endedAt],
  ['git push, the command', (build) => build.pushedAt - build.pushAt],
  ['git push begins → first status in Gitea', (build) => build.firstStatusAt - build.pushAt],
  fromPush,
  fromDelivery,
]

/** Before the container's end nobody can know that the image is there… */
const toEnd: Measure<BareBuild> = [
  'create → container ended',
  ({ createAt, endedAt }) => endedAt - createAt,
]
/** …and by this most do. */
const toComplete: Measure<BareBuild> = [
  'create → condition Complete',
  ({ createAt, completeAt }) => completeAt - createAt,
]

/** Throws RangeError where there are no builds. */
export function compare(
  pairs: readonly { readonly kanihook: KanihookBuild; readonly bare: BareBuild }[],
): BuildsResult {
  const pushes = pairs.map((pair) => pair.kanihook)
  const bares = pairs.map((pair) => pair.bare)
  const against = (
    [kanihook, value]: Measure<KanihookBuild>,
    [bare, base]: Measure<BareBuild>,
  ): Comparison => ({
    kanihook,
    bare,
    moreMs: differences(pushes.map(value), bares.map(base)),
    ratio: ratios(pushes.map(value), bares.map(base)),
  })
  return {
    builds: pairs.length,
    kanihook: ofKanihook.map(([name, ms]) => ({ name, ms: summarise(pushes.map(ms)) })),
    bare: [toEnd, toComplete].map(([name, ms]) => ({ name, ms: summarise(bares.map(ms)) })),
    against: [
      ...[fromPush, fromDelivery].flatMap((measure) => [
        against(measure, toComplete),
        against(measure, toEnd),
      ]),
      against(ofPod, toEnd),
    ],
  }
}
