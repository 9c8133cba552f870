import { RetryLater } from '../errors.ts'
import { createBuildLog, type BuildLog } from './build-log.ts'
import { isEnded, jobName, type Build, type Outcome } from './build.ts'
import { newFacts } from './facts.ts'
import type {
  BuildChange,
  BuildStore,
  Cluster,
  ContainerEnds,
  JobObservation,
  LogStore,
} from './ports.ts'
import { indexPart, partOf, type Part } from './parts.ts'
import {
  begunContainers,
  failedContainer,
  isCloned,
  runs,
  stepOf,
  waitingNote,
} from './progress.ts'
import { newScan } from './scan.ts'
import { endOfStart, startJob, type StartOptions } from './start-job.ts'
import { afterRemoval, unseenEnd, verdict, type Verdict } from './verdict.ts'

export interface FollowJobOptions extends StartOptions {
  readonly builds: Pick<BuildStore, 'update'>
  readonly cluster: Cluster
  readonly logs: LogStore
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Changes the record. Returns it as it is then. */
  readonly update: (build: Build, change: BuildChange) => Promise<Build>
  /** The record as it is now. */
  readonly current: () => Promise<Build>
  /** Removes a Job with its pod; how its containers ended by then. Undefined: it is still there after a while. */
  readonly removed: (job: string) => Promise<ContainerEnds | undefined>
  /** Ends the following; the Job goes on. */
  readonly signal: AbortSignal
}

/** What a look at a Job led to. */
export type Look =
  | Verdict
  /** The cluster did not answer, or not yet: look again soon. */
  | { readonly do: 'again' }
  /** The Job cannot be started now. */
  | { readonly do: 'hold'; readonly why: RetryLater }

/** One try of a build, or of a part of it, from its Job's start to its end. */
export interface JobFollower {
  readonly job: string
  /** Brings the record up to what the cluster shows, and says what is to be done about it. */
  look(build: Build): Promise<Look>
  /** Resolves when what was written is kept, or was waited for long enough. */
  completeLog(): Promise<void>
  close(): void
}

/** Every start is held up by something for a moment; only what lasts is worth telling, in milliseconds. */
const worthTellingMs = 5_000

/** `adopted`: an earlier runner may have made the Job. */
export function followJob(
  started: Build,
  part: Part,
  adopted: boolean,
  options: FollowJobOptions,
): JobFollower {
  const { builds, cluster, logs, now, update, current, removed, signal } = options
  const { id } = started
  const { tries } = partOf(started, part)
  const job = jobName(started, tries, part)
  let mayExist = adopted
  let log: BuildLog | undefined

  async function look(build: Build): Promise<Look> {
    // A newer push ends what still waits, this one too until its record says that it starts.
    if (!log && isEnded(build.state)) {
      throw new RetryLater('The build ended before its Job was made', { afterMs: 0 })
    }
    // One that is to stop gets no Job any more.
    const unable = log || build.stop ? undefined : await start(build)
    if (unable) return unable
    const observation = await observe()
    if (!observation) {
      const outcome = unseenEnd(partOf(await current(), part), now())
      return outcome ? { do: 'stop', outcome } : { do: 'again' }
    }
    const after = await record(await current(), observation)
    // What it is to be stopped for came after that look, and it may have pushed in between.
    if (after.stop && !build.stop) return look(after)
    const view = partOf(after, part)
    if (isEnded(after.state) || view.tries !== tries) {
      // Another worker took this one for dead; what was made here after it had gone on is nobody's. A record that is
      // lost is no later one: it comes back from the Job.
      const overtaken = isEnded(after.state) || view.tries > tries
      if (overtaken && observation.phase !== 'ended') await removed(job)
      throw new RetryLater('Another worker holds this build', { afterMs: 1_000 })
    }
    for (const container of begunContainers(observation)) log?.follow(container)
    const failed = failedContainer(observation)
    const lines = failed && log ? await log.complete(failed) : []
    return verdict({ build: view, observation, log: lines, now: now() })
  }

  /** Undefined: the Job is there. */
  async function start(build: Build): Promise<Look | undefined> {
    try {
      const begun = await startJob(build, part, mayExist, options)
      if ('mask' in begun) {
        const platform = part === indexPart ? undefined : part
        const { mask } = begun
        log = createBuildLog({ cluster, store: logs, buildId: id, job, platform, mask, signal })
        return undefined
      }
      return mayExist ? await endWithoutJob(begun.outcome) : { do: 'end', outcome: begun.outcome }
    } catch (error) {
      mayExist = true
      return notStarted(build, error)
    }
  }

  /** Says why a Job is not started yet, or ends it where it never can be. */
  async function notStarted(build: Build, error: unknown): Promise<Look> {
    const view = partOf(build, part)
    const outcome = endOfStart(view, error, now())
    if (outcome) return endWithoutJob(outcome)
    if (!(error instanceof RetryLater)) throw error
    const present = view.steps.at(-1)
    if (present && present.note !== error.message) {
      await update(build, { step: { ...present, note: error.message } })
    }
    return { do: 'hold', why: error }
  }

  /** The Job may be there already, by an earlier runner, and must not push after its build has ended. */
  async function endWithoutJob(outcome: Outcome): Promise<Look> {
    const ends = await removed(job)
    return { do: 'end', outcome: afterRemoval(partOf(started, part), ends, outcome) }
  }

  /** Undefined while the API server cannot be asked: the build goes on in the cluster meanwhile. */
  async function observe(): Promise<JobObservation | undefined> {
    return cluster.observe(job).catch((error: unknown) => {
      if (error instanceof RetryLater) return undefined
      throw error
    })
  }

  async function record(build: Build, observation: JobObservation): Promise<Build> {
    const scan = observation.ends.scan && newScan(build, part, observation.ends.scan)
    // Its status comes with the next step, or with the end.
    const known = scan ? await builds.update(build.id, { part, scan }) : build
    return recordStep(known, observation)
  }

  async function recordStep(build: Build, observation: JobObservation): Promise<Build> {
    const name = stepOf(observation)
    const present = partOf(build, part).steps.at(-1)
    const note = waitingNote(observation)
    // One platform speaks for all.
    const tells = part === build.plan.platforms?.[0]
    const facts = tells ? newFacts(build.facts, observation) : undefined
    if (name && name !== present?.name) {
      // It goes with its Job at the latest.
      if (isCloned(observation)) await cluster.forgetCredential(job).catch(() => undefined)
      const step = { name, at: now(), ...(part === undefined ? {} : { part }) }
      return update(build, { state: 'running', step, ...(facts ? { facts } : {}) })
    }
    // No status shows them.
    if (facts) return builds.update(build.id, { facts })
    const lasts = present !== undefined && now() - present.at >= worthTellingMs
    if (note && lasts && note !== present.note) {
      return update(build, { step: { ...present, note } })
    }
    // What the container waited for has come.
    if (present?.note && name === present.name && runs(observation)) {
      const { note: _, ...step } = present
      return update(build, { step })
    }
    return build
  }

  return {
    job,
    look,
    completeLog: async () => log?.completeAll(),
    close: () => log?.close(),
  }
}
