import type { Build, Outcome, Pushed } from './build.ts'
import { explainClone } from './clone-failures.ts'
import { pushingContainer } from './containers.ts'
import { duration } from './duration.ts'
import type { Failure } from './failure.ts'
import { explainBuild, explainPod } from './failures.ts'
import { noNode } from './no-node.ts'
import type { ContainerEnds, JobObservation } from './ports.ts'
import { whyNotBegun, whyNotStarted } from './progress.ts'
import { explainPublish } from './publish-failures.ts'
import { readPushed } from './pushed.ts'
import { explainRefusal } from './refusals.ts'
import { explainScan } from './scan-failures.ts'

/** What to do about a build after looking at its Job. */
export type Verdict =
  | { readonly do: 'wait' }
  /** The Job has ended by itself. */
  | { readonly do: 'end'; readonly outcome: Outcome }
  /** The Job must go first; only then has the build ended. */
  | { readonly do: 'stop'; readonly outcome: Extract<Outcome, { reason: string }> }
  /** Remove what is left and try again with a new Job. */
  | { readonly do: 'retry'; readonly reason: string }

export interface Situation {
  readonly build: Build
  readonly observation: JobObservation
  /** Lines of the container that has ended, if one has: oldest first. */
  readonly log: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** How many Jobs a build may have when the infrastructure fails. */
export const maxTries = 3

/** Decides by the containers' states before the pod's and the Job's, which are a second later. */
export function verdict(situation: Situation): Verdict {
  const { build, observation, log, now } = situation
  const { ends, pod } = observation
  const { clone, build: kaniko, scan, publish } = ends
  const pusher = ends[pushingContainer(build.plan)]
  const pushed = pushedBy(build, ends)
  if (pushed) {
    return pushed.length > 0
      ? { do: 'end', outcome: { state: 'succeeded', pushed } }
      : retryOr(build, 'error', 'The build ended well but did not say what it pushed')
  }
  if (build.stop) return { do: 'stop', outcome: stopped(build.stop) }
  if (pod?.reason === 'DeadlineExceeded') return overdue(build, observation)
  // Before the containers, which it has ended as well.
  if (pod) return judged(build, explainRefusal(pod, build) ?? explainPod(pod, build), observation)
  if (clone && clone.exitCode !== 0)
    return judged(build, explainClone(clone, build, log), observation)
  if (publish) return judged(build, explainPublish(publish, build, log))
  if (scan && scan.exitCode !== 0) return judged(build, explainScan(scan, build, log))
  if (kaniko && (kaniko === pusher || kaniko.exitCode !== 0)) {
    return judged(build, explainBuild(kaniko, build, log))
  }
  if (observation.phase === 'absent') return retryOr(build, 'error', 'The Job or its pod vanished')
  const refusal = observation.waiting && explainRefusal(observation.waiting, build)
  if (refusal) return { do: 'stop', outcome: { state: refusal.state, reason: refusal.reason } }
  const homeless = observation.waiting && noNode(build, observation.waiting, now)
  if (homeless) return { do: 'stop', outcome: homeless }
  const limit = Math.min(deadline(build), waitingDeadline(build, observation))
  return now > limit ? overdue(build, observation) : { do: 'wait' }
}

/** What the Job has pushed, as far as it says; undefined: it has not, or not yet. */
export function pushedBy({ plan }: Build, ends: ContainerEnds): readonly Pushed[] | undefined {
  const pusher = ends[pushingContainer(plan)]
  if (pusher?.exitCode !== 0 || pusher.reason === 'OOMKilled') return undefined
  return readPushed(pusher.message, plan.destinations)
}

/**
 * How a build ends whose Job had to go first, by what was seen of that: until it was gone it may have pushed.
 * `ends` undefined: it is still there.
 */
export function afterRemoval(
  build: Build,
  ends: ContainerEnds | undefined,
  outcome: Outcome,
): Outcome {
  const pushed = (ends && pushedBy(build, ends)) ?? []
  if (pushed.length > 0) return { state: 'succeeded', pushed }
  return ends || !('reason' in outcome) ? outcome : lost(outcome.reason)
}

/** How long after its timeout a build is still asked for that the cluster does not show, in milliseconds. */
const unseenMs = 10 * 60_000

/**
 * How a build ends that nobody can look at any more, as where the right to is gone; undefined: it is asked for
 * again. Kubernetes ends its Job at the timeout, whoever can see it.
 */
export function unseenEnd(
  build: Build,
  now: number,
): Extract<Outcome, { reason: string }> | undefined {
  if (now <= deadline(build) + unseenMs) return undefined
  const limit = duration(build.plan.timeoutMs)
  return {
    state: 'error',
    reason: `The cluster does not show how it ended, though its ${limit} are over`,
  }
}

/** When the present step has taken too long, in milliseconds since the epoch. */
export function deadline(build: Build): number {
  const { steps, plan, createdAt } = build
  const starting = steps.findLastIndex((step) => step.name === 'starting')
  // The first container of this try.
  const begun = starting < 0 ? undefined : steps[starting + 1]
  if (begun) return begun.at + plan.timeoutMs
  return (steps[starting]?.at ?? createdAt) + plan.startTimeoutMs
}

/**
 * When a container that something keeps from starting has been waited for long enough, though its pod
 * has started; in milliseconds since the epoch. Its step began when the container before it ended, and
 * is kept in the record: whoever goes on with the build goes on counting.
 */
function waitingDeadline({ steps, plan }: Build, { phase, waiting }: JobObservation): number {
  const step = steps.at(-1)
  return waiting && step?.name === phase ? step.at + plan.startTimeoutMs : Infinity
}

function overdue(build: Build, { phase, waiting }: JobObservation): Verdict {
  if (waiting && phase !== 'pending' && phase !== 'absent' && phase !== 'ended') {
    return { do: 'stop', outcome: { state: 'error', reason: whyNotBegun(phase, waiting) } }
  }
  if (phase !== 'pending') {
    const { timeoutMs, cache } = build.plan
    const reason = cache.enabled
      ? `Timed out after ${duration(timeoutMs)}: raise timeout`
      : `Timed out after ${duration(timeoutMs)}: raise timeout, or turn the cache on`
    return { do: 'stop', outcome: { state: 'failed', reason } }
  }
  const why = waiting ? `: ${whyNotStarted(waiting)}` : ''
  const reason = `Not started within ${duration(build.plan.startTimeoutMs)}${why}`
  return { do: 'stop', outcome: { state: 'error', reason } }
}

function judged(
  build: Build,
  { state, reason, retry }: Failure,
  { lingers = false }: Partial<JobObservation> = {},
): Verdict {
  if (retry) return retryOr(build, state, reason)
  return { do: lingers ? 'stop' : 'end', outcome: { state, reason } }
}

const retryOr = (build: Build, state: 'failed' | 'error', reason: string): Verdict =>
  build.tries < maxTries
    ? { do: 'retry', reason }
    : { do: 'stop', outcome: { state, reason: `${reason} (after ${build.tries} tries)` } }

/** The end of a build whose pod may still be there, and push. */
const lost = (why: string): Extract<Outcome, { reason: string }> => ({
  state: 'error',
  reason: `${why}; its pod could not be removed: is its node gone?`,
})

export const stopped = (stop: NonNullable<Build['stop']>): Extract<Outcome, { reason: string }> =>
  stop.why === 'superseded'
    ? { state: 'superseded', reason: `Superseded by ${stop.bySha.slice(0, 7)}` }
    : { state: 'cancelled', reason: `Cancelled by ${stop.by}` }
