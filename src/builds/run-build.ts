import { RetryLater } from '../errors.ts'
import { createBuildLog } from './build-log.ts'
import { isEnded, jobName, type Build, type Outcome } from './build.ts'
import type { StepName } from './containers.ts'
import { newFacts } from './facts.ts'
import type { BuildChange, BuildStore, Cluster, JobObservation, LogStore } from './ports.ts'
import { begunContainers, failedContainer, isCloned, stepOf, waitingNote } from './progress.ts'
import { isPullRequest } from './push-event.ts'
import type { Rules } from './rules.ts'
import { endOfStart, startJob, type StartOptions } from './start-job.ts'
import { maxTries, stopped, verdict, type Verdict } from './verdict.ts'

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

/** Every start is held up by something for a moment; only what lasts is worth telling, in milliseconds. */
const worthTellingMs = 5_000

/** How often the record and the Job are looked at without any hint, in milliseconds. */
const resyncMs = 5_000

/**
 * Runs a build to its end, from wherever its record and its Job stand: a second runner finds the
 * first one's work and goes on with it. Resolves when the build has ended and its log is kept. Throws
 * RetryLater when it has to wait or to be tried again, and the signal's reason when it is aborted: the
 * Job goes on, for another runner to adopt.
 */
export function createRunner(
  options: RunnerOptions,
): (id: string, signal: AbortSignal) => Promise<void> {
  const { builds, cluster, logs, rules, changed, stopAsked, now, removalMs = 90_000 } = options

  return async function run(id, signal) {
    let build = await builds.get(id)
    if (!build) return
    if (isEnded(build.state)) return changed(build)
    const adopted = build.tries > 0
    if (!adopted) {
      const outcome = build.stop ? stopped(build.stop) : unauthorised(build)
      if (outcome) return end(build, outcome)
      await olderOnesGone(build)
      build = await update(build, { state: 'starting', tries: 1, step: step('starting') })
    }
    const job = jobName(build, build.tries)
    await (build.stop ? obey(build, job, signal) : follow(build, job, adopted, signal))
  }

  /** Ends a build that was asked to stop while nobody held it. */
  async function obey(build: Build, job: string, signal: AbortSignal): Promise<void> {
    const observation = await cluster.observe(job)
    const decision = verdict({ build, observation, log: [], now: now() })
    if (decision.do !== 'wait') await conclude(build, job, decision, signal)
  }

  /** Rule: a build runs by the plan it was made with, authorised again when it starts. */
  function unauthorised(build: Build): Outcome | undefined {
    const entry = rules.find(build.repository)
    if (!entry?.images.some((image) => image.name === build.image)) {
      const reason = `Image ${build.image} was removed from kanihook.yaml before its build started`
      return { state: 'cancelled', reason }
    }
    if (!isPullRequest(build.ref) || entry.pullRequests !== 'never') return undefined
    const reason = 'kanihook.yaml was changed to build no pull requests before this one started'
    return { state: 'cancelled', reason }
  }

  /** An overtaken build may still push until its pod is gone; its tags must not move back. */
  async function olderOnesGone(build: Build): Promise<void> {
    const [older] = await builds.olderActive(build)
    if (older) {
      throw new RetryLater(`Waiting for build ${older} of the same ref or commit`, {
        afterMs: 1_000,
      })
    }
  }

  async function follow(
    started: Build,
    job: string,
    adopted: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    let build = started
    const mask = await start(build, job, adopted, signal)
    if (!mask) return
    const log = createBuildLog({ cluster, store: logs, buildId: build.id, job, mask, signal })
    try {
      for (;;) {
        signal.throwIfAborted()
        const observation = await observe(job)
        if (!observation) {
          await pause(job, 1_000, signal)
          continue
        }
        build = await record(build, observation, job)
        // Another worker took this one for dead and has gone on to another Job.
        if (build.tries !== started.tries) throw new RetryLater('Another worker holds this build')
        for (const container of begunContainers(observation)) log.follow(container)
        const failed = failedContainer(observation)
        const lines = failed ? await log.complete(failed) : []
        const decision = verdict({ build, observation, log: lines, now: now() })
        if (decision.do !== 'wait') {
          await conclude(build, job, decision, signal)
          return await log.completeAll()
        }
        await pause(job, resyncMs, signal, build.id)
      }
    } finally {
      log.close()
    }
  }

  /** How to keep the build's secrets out of its log; undefined: it can never start and has ended. */
  async function start(
    build: Build,
    job: string,
    adopted: boolean,
    signal: AbortSignal,
  ): Promise<((text: string) => string) | undefined> {
    try {
      const started = await startJob(build, job, adopted, options)
      if ('mask' in started) return started.mask
      // An earlier runner may have made the Job, and it must not push after its build has ended.
      if (adopted) await removed(job, signal)
      await end(build, started.outcome)
    } catch (error) {
      await notStarted(build, job, error, signal)
    }
    return undefined
  }

  /** Says why a build is not started yet, or ends it where it never can be. */
  async function notStarted(
    build: Build,
    job: string,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const outcome = endOfStart(build, error, now())
    if (outcome) {
      // The Job may be there already, and must not push after its build has ended.
      await removed(job, signal)
      return end(build, outcome)
    }
    const present = build.steps.at(-1)
    if (error instanceof RetryLater && present && present.note !== error.message) {
      await update(build, { step: { ...present, note: error.message } })
    }
    throw error
  }

  /** Undefined while the API server cannot be asked: the build goes on in the cluster meanwhile. */
  async function observe(job: string): Promise<JobObservation | undefined> {
    return cluster.observe(job).catch((error: unknown) => {
      if (error instanceof RetryLater) return undefined
      throw error
    })
  }

  /** Brings the record up to what the cluster shows, and the record's wish to stop back. */
  async function record(build: Build, observation: JobObservation, job: string): Promise<Build> {
    const name = stepOf(observation)
    const present = build.steps.at(-1)
    const note = observation.phase === 'pending' ? waitingNote(observation) : undefined
    const facts = newFacts(build.facts, observation)
    if (name && name !== present?.name) {
      // It goes with its Job at the latest.
      if (isCloned(observation)) await cluster.forgetCredential(job).catch(() => undefined)
      return update(build, { state: 'running', step: step(name), ...(facts ? { facts } : {}) })
    }
    // No status shows them.
    if (facts) return builds.update(build.id, { facts })
    const lasts = present !== undefined && now() - present.at >= worthTellingMs
    if (note && lasts && note !== present.note) {
      return update(build, { step: { ...present, note } })
    }
    return (await builds.get(build.id)) ?? build
  }

  async function conclude(
    build: Build,
    job: string,
    decision: Exclude<Verdict, { do: 'wait' }>,
    signal: AbortSignal,
  ): Promise<void> {
    if (decision.do === 'end') return end(build, decision.outcome)
    if (!(await removed(job, signal))) {
      const why = decision.do === 'retry' ? decision.reason : decision.outcome.reason
      const reason = `${why}; its pod could not be removed: is its node gone?`
      return end(build, { state: 'error', reason })
    }
    if (decision.do === 'stop') return end(build, decision.outcome)
    const note = `Try ${build.tries + 1} of ${maxTries}: ${decision.reason}`
    await update(build, {
      state: 'starting',
      tries: build.tries + 1,
      step: { ...step('starting'), note },
    })
    throw new RetryLater(note, { afterMs: 5_000 * build.tries })
  }

  /** Removes a Job with its pod. False: it is still there after a while, as on a node that is lost. */
  async function removed(job: string, signal: AbortSignal): Promise<boolean> {
    try {
      await cluster.remove(job, AbortSignal.any([signal, AbortSignal.timeout(removalMs)]))
      return true
    } catch (error) {
      if (signal.aborted) throw error
      return false
    }
  }

  async function update(build: Build, change: BuildChange): Promise<Build> {
    const after = await builds.update(build.id, change)
    await changed(after)
    return after
  }

  async function end(build: Build, outcome: Outcome): Promise<void> {
    await changed(await builds.end(build.id, outcome))
  }

  /** Waits for a hint that something changed, or for a while. */
  async function pause(job: string, ms: number, signal: AbortSignal, id?: string): Promise<void> {
    const hint = new AbortController()
    const either = AbortSignal.any([signal, hint.signal])
    const hints = [cluster.changed(job, ms, either), ...(id ? [stopAsked(id, either)] : [])]
    await Promise.race(hints).finally(() => hint.abort())
  }

  function step(name: StepName): { name: StepName; at: number } {
    return { name, at: now() }
  }
}
