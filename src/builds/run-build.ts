import { PermanentError, RetryLater } from '../errors.ts'
import { createMask, followLog } from './build-log.ts'
import { isEnded, jobName, type Build, type Outcome, type StepName } from './build.ts'
import type {
  BuildChange,
  BuildStore,
  Cluster,
  ContainerName,
  GitCredential,
  JobObservation,
  LogStore,
  SecretValues,
} from './ports.ts'
import type { Repository } from './push-event.ts'
import type { Rules } from './rules.ts'
import { deadline, duration, maxTries, stopped, verdict, type Verdict } from './verdict.ts'

/** Where a build's source comes from. */
export interface Source {
  cloneUrl(repository: Repository): string
  credential(repository: Repository): Promise<GitCredential>
}

export interface RunnerOptions {
  readonly builds: BuildStore
  readonly cluster: Cluster
  readonly logs: LogStore
  readonly secrets: SecretValues
  readonly source: Source
  readonly rules: Rules
  /** Called after each change that a status or a page shows. */
  readonly changed: (build: Build) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Resolves when a stop may have been asked for; a hint. */
  readonly stopAsked: (id: string, signal: AbortSignal) => Promise<void>
}

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
  const { builds, cluster, logs, secrets, source, rules, changed, stopAsked, now } = options

  return async function run(id, signal) {
    let build = await builds.get(id)
    if (!build) return
    if (isEnded(build.state)) return changed(build)
    if (build.tries === 0) {
      const outcome = build.stop ? stopped(build.stop) : unauthorised(build)
      if (outcome) return end(build, outcome)
      await olderOnesGone(build)
      build = await update(build, { state: 'starting', tries: 1, step: step('starting') })
    }
    await follow(build, jobName(build, build.tries), signal)
  }

  /** Rule: a build runs by the plan it was made with, authorised again when it starts. */
  function unauthorised(build: Build): Outcome | undefined {
    const entry = rules.find(build.repository)
    if (entry?.images.some((image) => image.name === build.image)) return undefined
    return {
      state: 'cancelled',
      reason: `Image ${build.image} was removed from kanihook.yaml before its build started`,
    }
  }

  /** An overtaken build may still push until its pod is gone; its tags must not move back. */
  async function olderOnesGone(build: Build): Promise<void> {
    const [older] = await builds.olderActive(build)
    if (older)
      throw new RetryLater(`Waiting for build ${older} of the same ref`, { afterMs: 1_000 })
  }

  async function follow(started: Build, job: string, signal: AbortSignal): Promise<void> {
    let build = started
    // Ends the log followers with this run, however it ends.
    const scope = new AbortController()
    const within = AbortSignal.any([signal, scope.signal])
    try {
      const mask = await startJob(build)
      if (!mask) return
      const followers = new Map<ContainerName, ReturnType<typeof followLog>>()
      const followContainer = (container: ContainerName): ReturnType<typeof followLog> => {
        const following =
          followers.get(container) ??
          followLog({
            cluster,
            store: logs,
            buildId: build.id,
            job,
            container,
            mask,
            signal: within,
          })
        followers.set(container, following)
        return following
      }
      for (;;) {
        signal.throwIfAborted()
        const observation = await observe(job)
        if (!observation) {
          await pause(job, 1_000, signal)
          continue
        }
        build = await record(build, observation, job)
        if (observation.phase === 'cloning' || observation.clone) followContainer('clone')
        if (observation.phase === 'building' || observation.build) followContainer('build')
        const failing = failedContainer(observation)
        const log = failing ? await completeLog(followContainer(failing)) : []
        const decision = verdict({ build, observation, log, now: now() })
        if (decision.do !== 'wait') {
          await conclude(build, job, decision, signal)
          await Promise.all([...followers.values()].map(completeLog))
          return
        }
        await pause(job, resyncMs, signal, build.id)
      }
    } finally {
      scope.abort()
    }
  }

  /**
   * Creates the Job or finds it, and tells how to keep its secrets out of the log. Undefined: it can
   * never start and the build has ended.
   */
  async function startJob(build: Build): Promise<((text: string) => string) | undefined> {
    try {
      const credential = await source.credential(build.repository)
      const cloneUrl = source.cloneUrl(build.repository)
      const [values] = await Promise.all([
        secrets.of(build),
        cluster.start({ build, tries: build.tries, cloneUrl, credential }),
      ])
      return createMask([credential.password, ...values])
    } catch (error) {
      const outcome = await heldBack(build, error)
      if (!outcome) throw error
      await end(build, outcome)
      return undefined
    }
  }

  /** A full quota and a silent API server are waited for, as long as a start may take. */
  async function heldBack(build: Build, error: unknown): Promise<Outcome | undefined> {
    if (error instanceof PermanentError) return { state: 'error', reason: error.message }
    if (!(error instanceof RetryLater)) return undefined
    if (build.stop) return stopped(build.stop)
    if (now() > deadline(build)) {
      const limit = duration(build.plan.startTimeoutMs)
      return { state: 'error', reason: `Not started within ${limit}: ${error.message}` }
    }
    const present = build.steps.at(-1)
    if (present && present.note !== error.message) {
      await update(build, { step: { ...present, note: error.message } })
    }
    return undefined
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
    if (name && name !== present?.name) {
      if (name === 'building') await cluster.forgetCredential(job)
      return update(build, { state: 'running', step: step(name) })
    }
    if (note && present && note !== present.note)
      return update(build, { step: { ...present, note } })
    return (await builds.get(build.id)) ?? build
  }

  async function conclude(
    build: Build,
    job: string,
    decision: Exclude<Verdict, { do: 'wait' }>,
    signal: AbortSignal,
  ): Promise<void> {
    if (decision.do !== 'end') await cluster.remove(job, signal)
    if (decision.do !== 'retry') {
      await end(build, decision.outcome)
      return
    }
    const note = `Try ${build.tries + 1} of ${maxTries}: ${decision.reason}`
    await update(build, { tries: build.tries + 1, step: { ...step('starting'), note } })
    throw new RetryLater(note, { afterMs: 5_000 * build.tries })
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

const stepOf = ({ phase, clone, build }: JobObservation): StepName | undefined => {
  if (phase === 'building' || build) return 'building'
  return phase === 'cloning' || clone ? 'cloning' : undefined
}

function waitingNote({ waiting }: JobObservation): string | undefined {
  if (!waiting) return undefined
  const why = `${waiting.reason}: ${waiting.message}`
  return /Unschedulable|quota/i.test(why) ? `Waiting for capacity: ${waiting.message}` : why
}

function failedContainer({ clone, build }: JobObservation): ContainerName | undefined {
  if (build) return build.exitCode === 0 ? undefined : 'build'
  return clone && clone.exitCode !== 0 ? 'clone' : undefined
}

/** The lines of a container that has ended: its stream ends by itself, within a bound. */
async function completeLog(following: ReturnType<typeof followLog>): Promise<readonly string[]> {
  const patience = AbortSignal.timeout(3_000)
  const given = new Promise<void>((resolve) => patience.addEventListener('abort', () => resolve()))
  await Promise.race([following.done, given])
  return following.lines
}
