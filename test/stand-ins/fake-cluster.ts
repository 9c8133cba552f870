import { jobName } from '../../src/builds/build.ts'
import type { ContainerName } from '../../src/builds/containers.ts'
import type {
  Cluster,
  ContainerEnds,
  JobObservation,
  JobRequest,
  LogLine,
} from '../../src/builds/ports.ts'

/** A cluster in memory whose Jobs do what the test says: for the logic of the runner alone. */
export interface FakeCluster extends Cluster {
  readonly started: JobRequest[]
  readonly removed: string[]
  readonly forgotten: string[]
  /** What `observe` tells of a Job from now on. */
  show(job: string, observation: JobObservation): void
  /** Lines that a container has written. */
  write(job: string, container: ContainerName, ...texts: string[]): void
  /** What the containers of a Job come to while it is removed. */
  endInRemoval(job: string, ends: ContainerEnds): void
  /** What `start` throws from now on; undefined: it works. */
  refuse(error: Error | undefined): void
}

export function createFakeCluster(): FakeCluster {
  const jobs = new Map<string, JobObservation>()
  const lines = new Map<string, LogLine[]>()
  const waiting = new Set<() => void>()
  const lastEnds = new Map<string, ContainerEnds>()
  /** Jobs that have changed since they were observed. */
  const stale = new Set<string>()
  let refusal: Error | undefined
  let clock = 0
  const wake = (): void => {
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  const changed = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      const done = (): void => {
        clearTimeout(timer)
        resolve()
      }
      waiting.add(done)
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    })
  const ended = (job: string, container: ContainerName): boolean => {
    const observation = jobs.get(job)
    return (
      !observation || observation.ends[container] !== undefined || observation.phase === 'ended'
    )
  }

  return {
    started: [],
    removed: [],
    forgotten: [],
    show(job, observation) {
      jobs.set(job, observation)
      stale.add(job)
      wake()
    },
    write(job, container, ...texts) {
      const key = `${job}/${container}`
      const added = texts.map((text) => ({
        container,
        text,
        time: `2026-01-01T00:00:00.${String((clock += 1)).padStart(9, '0')}Z`,
      }))
      lines.set(key, [...(lines.get(key) ?? []), ...added])
      wake()
    },
    endInRemoval(job, ends) {
      lastEnds.set(job, ends)
    },
    refuse(error) {
      refusal = error
    },
    async start(request) {
      if (refusal) throw refusal
      this.started.push(request)
      const job = jobName(request.build, request.tries, request.part)
      if (jobs.has(job)) return 'adopted'
      this.show(job, { phase: 'pending', ends: {} })
      return 'created'
    },
    async observe(job) {
      stale.delete(job)
      return jobs.get(job) ?? { phase: 'absent', ends: {} }
    },
    changed: async (job, ms, signal) => (stale.has(job) ? undefined : changed(ms, signal)),
    async *logs(job, container, signal) {
      for (let next = 0; !signal.aborted;) {
        const written = lines.get(`${job}/${container}`) ?? []
        if (next < written.length) yield written[next++] as LogLine
        else if (ended(job, container)) return
        else await changed(50, signal)
      }
    },
    async forgetCredential(job) {
      this.forgotten.push(job)
    },
    async remove(job) {
      this.removed.push(job)
      const { ends = {} } = jobs.get(job) ?? {}
      jobs.delete(job)
      wake()
      return { ...ends, ...lastEnds.get(job) }
    },
  }
}
