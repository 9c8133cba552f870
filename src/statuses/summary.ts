import { isEnded, type Build, type BuildState } from '../builds/build.ts'
import { shorten, withFinder } from '../builds/describe.ts'
import type { CommitStatus } from '../forges/forge.ts'

/** The builds of one push, and those of its images that are not planned yet. */
export interface PushBuilds {
  readonly builds: readonly Build[]
  readonly missing: readonly string[]
}

/**
 * The push that counts among the builds of one ref at one commit: the newest. `generation`: that of the ref now. An
 * image without a build is waited for only while the ref has not moved on, since none is made of it after that.
 */
export function newestPush(builds: readonly Build[], generation: number | undefined): PushBuilds {
  const [last, ...others] = builds.toSorted(
    (a, b) => b.generation - a.generation || b.createdAt - a.createdAt,
  )
  if (!last) return { builds: [], missing: [] }
  const own = [last, ...others.filter((build) => build.generation === last.generation)]
  const order = last.summary?.images ?? []
  const made = order.flatMap((name) => own.find(({ image }) => image === name) ?? [])
  const missing = order.filter((name) => !own.some(({ image }) => image === name))
  return { builds: made, missing: last.generation === generation ? missing : [] }
}

/** The one status of a push: pending until every image has ended, then the worst of them. */
export function summarise({
  builds,
  missing,
}: PushBuilds): Pick<CommitStatus, 'state' | 'description'> {
  const total = builds.length + missing.length
  const ended = builds.filter(({ state }) => isEnded(state))
  const say = (text: string): string => withFinder(text, builds[0] ?? {})
  return ended.length < total
    ? { state: pendingState(builds), description: say(progress(builds, total)) }
    : { state: worstState(builds), description: say(result(builds)) }
}

const inState = (builds: readonly Build[], ...states: readonly BuildState[]): Build[] =>
  builds.filter(({ state }) => states.includes(state))

const pendingState = (builds: readonly Build[]): CommitStatus['state'] =>
  builds.some(({ state }) => state === 'running' || isEnded(state)) ? 'building' : 'queued'

function worstState(builds: readonly Build[]): CommitStatus['state'] {
  const has = (...states: readonly BuildState[]): boolean => inState(builds, ...states).length > 0
  if (has('failed')) return 'failure'
  if (has('error')) return 'error'
  if (has('cancelled', 'superseded')) return 'cancelled'
  return has('succeeded') ? 'success' : 'skipped'
}

/** `3 of 12 done (1 failed: api), building web, docs` */
function progress(builds: readonly Build[], total: number): string {
  const ended = builds.filter(({ state }) => isEnded(state)).length
  const broken = inState(builds, 'failed', 'error')
  const running = inState(builds, 'running')
  const failed = broken.length > 0 ? ` (${broken.length} failed: ${names(broken)})` : ''
  return `${ended} of ${total} done${failed}, ${running.length > 0 ? `building ${names(running)}` : 'queued'}`
}

const words: readonly (readonly [string, readonly BuildState[]])[] = [
  ['failed', ['failed']],
  ['error', ['error']],
  ['pushed', ['succeeded']],
  ['skipped', ['skipped']],
  ['superseded', ['superseded']],
  ['cancelled', ['cancelled']],
]

/** `12 images: 1 failed (api: RUN failed with exit code 1), 10 pushed, 1 skipped` */
function result(builds: readonly Build[]): string {
  const counts = words.flatMap(([word, states]) => {
    const those = inState(builds, ...states)
    const [first] = those
    if (!first) return []
    const plural = word === 'error' && those.length > 1 ? 's' : ''
    const reason = word === 'failed' || word === 'error' ? why(first) : ''
    return [`${those.length} ${word}${plural}${reason}`]
  })
  return `${builds.length} ${builds.length === 1 ? 'image' : 'images'}: ${counts.join(', ')}`
}

const why = ({ image, outcome }: Build): string =>
  outcome && 'reason' in outcome ? ` (${image}: ${shorten(outcome.reason, 70)})` : ''

const names = (builds: readonly Build[]): string => {
  const [first, second, third, ...more] = builds.map(({ image }) => image)
  const listed = [first, second, third].filter((name) => name !== undefined).join(', ')
  return more.length > 0 ? `${listed} and ${more.length} more` : listed
}
