import { isEnded, type Build, type BuildState } from '../builds/build.ts'
import { maxDescription, withFinder } from '../builds/describe.ts'
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
  const room = maxDescription - say('').length
  return ended.length < total
    ? { state: pendingState(builds), description: say(progress(builds, total)) }
    : { state: worstState(builds), description: say(result(builds, room)) }
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

/** `1 failed: api; 10 pushed; 1 skipped (api: RUN failed with exit code 1)`: the counts whole, then one reason. */
function result(builds: readonly Build[], room: number): string {
  const [broken] = [...inState(builds, 'failed'), ...inState(builds, 'error')]
  if (!broken) {
    const images = builds.length === 1 ? 'image' : 'images'
    return `${builds.length} ${images}: ${counts(builds, 0).join(', ')}`
  }
  const texts = [3, 2, 1, 0].map((named) => counts(builds, named).join('; '))
  const text = texts.find((each) => each.length <= room) ?? texts.at(-1) ?? ''
  return `${text}${why(broken, room - text.length)}`
}

/** How many images ended in each way; of those that are broken also so many of their names. */
const counts = (builds: readonly Build[], named: number): string[] =>
  words.flatMap(([word, states]) => {
    const those = inState(builds, ...states)
    if (those.length === 0) return []
    const isBroken = word === 'failed' || word === 'error'
    const plural = word === 'error' && those.length > 1 ? 's' : ''
    const which = isBroken && named > 0 ? `: ${names(those, named)}` : ''
    return [`${those.length} ${word}${plural}${which}`]
  })

/** The least of a reason that still says something, in characters. */
const leastReason = 16

/** A reason, cut at its end: of two halves of a sentence beside others nobody could tell what belongs together. */
function why({ image, outcome }: Build, room: number): string {
  if (!outcome || !('reason' in outcome)) return ''
  const frame = ` (${image}: )`.length
  const characters = Array.from(outcome.reason.replace(/\s+/g, ' ').trim())
  const space = room - frame
  if (characters.length <= space) return ` (${image}: ${characters.join('')})`
  if (space < leastReason) return ''
  return ` (${image}: ${characters
    .slice(0, space - 1)
    .join('')
    .trimEnd()}…)`
}

const names = (builds: readonly Build[], most = 3): string => {
  const images = builds.map(({ image }) => image)
  const more = images.length - most
  const listed = images.slice(0, most).join(', ')
  return more > 0 ? `${listed} and ${more} more` : listed
}
