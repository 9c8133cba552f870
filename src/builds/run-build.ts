import { RetryLater } from '../errors.ts'
import { isEnded, type Build, type Outcome } from './build.ts'
import { followBuild } from './follow-build.ts'
import type { BuildChange, BuildStore, Cluster, ContainerEnds, LogStore } from './ports.ts'
import { isPullRequest, parseRef } from './push-event.ts'
import type { Rules } from './rules.ts'
import type { StartOptions } from './start-job.ts'
import { stopped } from './verdict.ts'

export interface RunnerOptions extends StartOptions {
  readonly builds: BuildStore
  readonly cluster: Cluster
  readonly logs: LogStore
  readonly rules: Rules
  /** Called after each change that a status or a page shows. */
  readonly changed: (build: Build) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long the end of a pod is waited for, in milliseconds; it has some seconds to end by itself. */
  readonly removalMs?: number
  /** Resolves when a stop may have been asked for; a hint. */
  readonly stopAsked: (id: string, signal: AbortSignal) => Promise<void>
}

/**
 * Runs a build to its end, from wherever its record and its Jobs stand: a second runner finds the
 * first one's work and goes on with it. Resolves when the build has ended and its log is kept. Throws
 * RetryLater when it has to wait or to be tried again, and the signal's reason when it is aborted: the
 * Jobs go on, for another runner to adopt.
 */
export function createRunner(
  options: RunnerOptions,
): (id: string, signal: AbortSignal) => Promise<void> {
  const { builds, cluster, rules, changed, removalMs = 90_000 } = options

  return async function run(id, signal) {
    const build = await builds.get(id)
    if (!build) return
    if (isEnded(build.state)) return changed(build)
    if (build.tries === 0) {
      const outcome = build.stop ? stopped(build.stop) : unauthorised(build)
      if (outcome) return end(build, outcome)
      await olderOnesGone(build)
      await mayStart(build)
      // Its parts count their own.
      if (build.plan.platforms) await update(build, { state: 'starting', tries: 1 })
    }
    await followBuild(build, {
      ...options,
      update,
      current: async () => (await builds.get(id)) ?? build,
      end,
      removed: (job) => removed(job, signal),
      signal,
    })
  }

  /** Rule: a build runs by the plan it was made with, authorised again when it starts. */
  function unauthorised(build: Build): Outcome | undefined {
    const entry = rules.find(build.repository)
    const allowed =
      entry?.ownFile?.namesImages || entry?.images.some((image) => image.name === build.image)
    if (!entry || !allowed) {
      const reason = `Image ${build.image} was removed from kanihook.yaml before its build started`
      return { state: 'cancelled', reason }
    }
    if (entry.namespace !== build.plan.namespace) {
      const reason =
        'kanihook.yaml was changed to build in another namespace before this one started'
      return { state: 'cancelled', reason }
    }
    if (!isPullRequest(build.ref) || entry.pullRequests !== 'never') return undefined
    const reason = 'kanihook.yaml was changed to build no pull requests before this one started'
    return { state: 'cancelled', reason }
  }

  /** An older build may still push until its pod is gone; its tags must not move back. */
  async function olderOnesGone(build: Build): Promise<void> {
    const all = await builds.olderActive(build)
    const [first] = all
    if (first === undefined) return
    const older = await builds.get(first)
    const whose = older ? ` of ${refName(older)}` : ''
    const note = `Waiting for build ${first}${whose}, which may push the same tags`
    // The end of one of them is told; what was not heard is seen the later the more there are.
    throw await held(build, note, Math.min(60_000, 1_000 * all.length))
  }

  /** Neither all nodes nor the line of the others are for one repository alone. */
  async function mayStart(build: Build): Promise<void> {
    const full = await builds.start(build.id)
    if (!full) return
    const { limit, before } = full
    const running = limit === 1 ? '1 build' : `${limit} builds`
    const note = `Waiting: ${running} of ${build.repository.path} ${limit === 1 ? 'is' : 'are'} running, as many as may at once`
    // The first one is told when it may start.
    throw await held(build, note, Math.min(600_000, 30_000 * (before + 1)))
  }

  /** Says in the build's status what holds it. */
  async function held(build: Build, note: string, afterMs: number): Promise<RetryLater> {
    const queued = build.steps.at(-1)
    if (queued && queued.note !== note) {
      const after = await builds.update(build.id, { step: { ...queued, note } })
      // One that was ended meanwhile is told of when it is looked at again.
      if (!isEnded(after.state)) await changed(after)
    }
    return new RetryLater(note, { afterMs })
  }

  async function removed(job: string, signal: AbortSignal): Promise<ContainerEnds | undefined> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(removalMs)])
    return cluster.remove(job, patience).catch((error: unknown) => {
      if (signal.aborted) throw error
      return undefined
    })
  }

  async function update(build: Build, change: BuildChange): Promise<Build> {
    const after = await builds.update(build.id, change)
    await changed(after)
    return after
  }

  async function end(build: Build, outcome: Outcome): Promise<void> {
    await changed(await builds.end(build.id, outcome))
  }
}

function refName({ ref }: Build): string {
  const { kind, name } = parseRef(ref)
  return kind === 'branch' ? name : kind === 'upload' ? 'an upload' : `${kind} ${name}`
}
