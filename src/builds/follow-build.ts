import { RetryLater } from '../errors.ts'
import type { Build, Outcome, Step } from './build.ts'
import type { StepName } from './containers.ts'
import { followJob, type FollowJobOptions, type JobFollower, type Look } from './follow-job.ts'
import { indexPart, naming, openParts, partOf, type Part } from './parts.ts'
import type { BuildChange } from './ports.ts'
import { afterRemoval, maxTries } from './verdict.ts'

export interface FollowBuildOptions extends FollowJobOptions {
  /** Ends the build. */
  readonly end: (build: Build, outcome: Outcome) => Promise<void>
  /** Resolves when a stop may have been asked for; a hint. */
  readonly stopAsked: (id: string, signal: AbortSignal) => Promise<void>
}

/** A part and its Job as they were just seen. */
interface Seen {
  readonly part: Part
  readonly job: string
  readonly look: Look
}

/** A part that gets no Job for a while. */
interface Hold {
  /** By `performance.now()`. */
  readonly until: number
  readonly why: RetryLater
}

/** How often the record and the Jobs are looked at without any hint, in milliseconds. */
const resyncMs = 5_000

/**
 * Follows the Jobs of a build's open parts side by side, until the last part has ended or the first has
 * failed. What was done is in the record and in the cluster alone, so it goes on from wherever these stand.
 * Throws RetryLater where none of the Jobs can be started now.
 */
export async function followBuild(started: Build, options: FollowBuildOptions): Promise<void> {
  const { cluster, update, current, end, removed, stopAsked, now, signal } = options
  /** Of the open parts. */
  const followers = new Map<Part, JobFollower>()
  const all: JobFollower[] = []
  const holds = new Map<Part, Hold>()

  try {
    for (;;) {
      signal.throwIfAborted()
      const build = await current()
      const free = openParts(build).filter((part) => build.stop || !isHeld(part))
      const seen = await Promise.all(free.map((part) => look(build, part)))
      const how = await settle(build, seen)
      if (how === 'ended') return void (await Promise.all(all.map((each) => each.completeLog())))
      if (how === 'moved') continue
      const waiting = openParts(build).map((part) => holds.get(part))
      if (waiting.every((each) => each !== undefined)) throw soonest(waiting).why
      await pause(seen, waiting)
    }
  } finally {
    for (const follower of all) follower.close()
  }

  async function look(build: Build, part: Part): Promise<Seen> {
    holds.delete(part)
    const follower = followers.get(part) ?? (await begin(build, part))
    return { part, job: follower.job, look: await follower.look(await current()) }
  }

  async function begin(build: Build, part: Part): Promise<JobFollower> {
    const adopted = partOf(build, part).tries > 0
    const first = trying(part, 1, step('starting', part))
    const begun = adopted || build.stop ? build : await update(build, first)
    const follower = followJob(begun, part, adopted, options)
    followers.set(part, follower)
    all.push(follower)
    return follower
  }

  async function settle(build: Build, seen: readonly Seen[]): Promise<'ended' | 'moved' | 'still'> {
    for (const each of seen) {
      if (!isBroken(each.look)) continue
      await breakOff(build, each.part, each.look.outcome, seen)
      return 'ended'
    }
    let moved = false
    for (const { part, job, look } of seen) {
      if (look.do === 'hold') hold(part, look.why)
      if (look.do !== 'end' && look.do !== 'retry') continue
      const outcome = look.do === 'end' ? look.outcome : await retry(build, part, job, look.reason)
      if (!outcome) continue
      followers.delete(part)
      if (outcome.state === 'succeeded') {
        if (await isLast(build, part, outcome)) return 'ended'
        moved = true
        continue
      }
      await breakOff(build, part, outcome, seen)
      return 'ended'
    }
    return moved ? 'moved' : 'still'
  }

  /** Ends the build by a part that broke, once the Jobs that have not ended by themselves are gone. */
  async function breakOff(
    build: Build,
    part: Part,
    { state, reason }: Failed,
    seen: readonly Seen[],
  ): Promise<void> {
    const over = new Set(seen.filter(({ look }) => look.do === 'end').map(({ job }) => job))
    const going = [...followers.values()].filter(({ job }) => !over.has(job))
    const gone = await Promise.all(going.map(({ job }) => removed(job)))
    const named = state === 'failed' || state === 'error' ? naming(part, reason) : reason
    const stays = gone.includes(undefined)
    // The Job that moves the tags runs alone.
    const [ends] = part === undefined || part === indexPart ? gone : [{}]
    await end(
      build,
      afterRemoval(build, stays ? undefined : (ends ?? {}), { state, reason: named }),
    )
  }

  /** Gives a part one more try, later; returns how it ended where it gets none. */
  async function retry(
    build: Build,
    part: Part,
    job: string,
    reason: string,
  ): Promise<Outcome | undefined> {
    const view = partOf(build, part)
    const { tries } = view
    const ends = await removed(job)
    const ended = { state: 'error', reason } as const
    const outcome = afterRemoval(view, ends, ended)
    if (outcome !== ended) return outcome
    const note = `Try ${tries + 1} of ${maxTries}: ${reason}`
    await update(build, trying(part, tries + 1, { ...step('starting', part), note }))
    followers.get(part)?.close()
    followers.delete(part)
    hold(part, new RetryLater(note, { afterMs: 5_000 * tries }))
    return undefined
  }

  /** Keeps what a platform has pushed, or ends the build with its last part. */
  async function isLast(build: Build, part: Part, outcome: Succeeded): Promise<boolean> {
    const [first] = outcome.pushed
    if (first === undefined || part === undefined || part === indexPart) {
      await end(build, outcome)
      return true
    }
    await update(build, { part, digest: first.digest, step: step('pushed', part) })
    return false
  }

  function hold(part: Part, why: RetryLater): void {
    holds.set(part, { until: performance.now() + (why.afterMs ?? 2_000), why })
  }

  function isHeld(part: Part): boolean {
    return (holds.get(part)?.until ?? 0) > performance.now()
  }

  /** Waits for a hint that something changed, or for a while. */
  async function pause(
    seen: readonly Seen[],
    waiting: readonly (Hold | undefined)[],
  ): Promise<void> {
    const soon = seen.some(({ look }) => look.do === 'again') ? 1_000 : resyncMs
    const holds = waiting.map((hold) => (hold ? hold.until - performance.now() : soon))
    const ms = Math.max(0, Math.min(soon, ...holds))
    const hint = new AbortController()
    const either = AbortSignal.any([signal, hint.signal])
    const changes = seen.map(({ job }) => cluster.changed(job, ms, either))
    await Promise.race([...changes, stopAsked(started.id, either)]).finally(() => hint.abort())
  }

  function step(name: StepName, part: Part): Step {
    return { name, at: now(), ...(part === undefined ? {} : { part }) }
  }
}

/** A build of one Job starts anew with it; of several, others may run. */
const trying = (part: Part, tries: number, step: Step): BuildChange => ({
  ...(part === undefined ? { state: 'starting' } : {}),
  part,
  tries,
  step,
})

type Failed = Extract<Outcome, { reason: string }>
type Succeeded = Exclude<Outcome, Failed>

const isBroken = (look: Look): look is Look & { readonly outcome: Failed } =>
  look.do === 'stop' || (look.do === 'end' && look.outcome.state !== 'succeeded')

const soonest = (holds: readonly Hold[]): Hold =>
  holds.reduce((one, other) => (other.until < one.until ? other : one))
