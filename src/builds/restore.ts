import { buildId, isEnded, type Build, type BuildPlan } from './build.ts'
import type { BuildStore, RefRecord, RefStore } from './ports.ts'

/** A Job in the cluster, and what it says of the build that it is a try of. */
export interface KeptJob {
  readonly name: string
  readonly build: BuildPlan
  readonly part?: string
  readonly tries: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly ended: boolean
}

export interface RestoreOptions {
  /** Those that are not being deleted. */
  readonly jobs: () => Promise<readonly KeptJob[]>
  readonly builds: Pick<BuildStore, 'get' | 'create' | 'update'>
  readonly refs: Pick<RefStore, 'restoreHead' | 'knownRepositoryId'>
  /** Removes a Job with its pod. */
  readonly remove: (job: KeptJob) => Promise<unknown>
  /** Has a build run to its end; asking again is fine. */
  readonly enqueue: (id: string) => Promise<void>
  /** Called for each build that a status is to show. */
  readonly changed: (build: Build) => Promise<void>
}

export interface Restored {
  /** Builds that are followed again. */
  readonly adopted: readonly string[]
  /** Jobs that were removed, for their refs have moved on. */
  readonly removed: readonly string[]
}

/**
 * Makes the records of builds anew, of what their Jobs say: for a store that was emptied under them. A build of
 * a ref that has another record by now is nobody's any more: its Job is removed, and its commit told. Safe to
 * repeat and to run twice at once: what has a record is left as it is.
 */
export function createRestore(options: RestoreOptions): () => Promise<Restored> {
  const { builds, refs, remove, enqueue, changed } = options

  async function adopt(build: BuildPlan, jobs: readonly KeptJob[]): Promise<void> {
    const { created } = await builds.create(build)
    const present = await builds.get(build.id)
    // One whose restoring broke off has no tries yet.
    if (created || (present?.state === 'waiting' && present.tries === 0 && !present.parts)) {
      for (const { part, tries, createdAt: at } of jobs) {
        const step = { name: 'starting', at, ...(part === undefined ? {} : { part }) } as const
        await builds.update(build.id, { state: 'starting', part, tries, step })
      }
      // Of a build of several Jobs it says that it has begun.
      if (build.plan.platforms) await builds.update(build.id, { tries: 1 })
    }
    await enqueue(build.id)
    const after = await builds.get(build.id)
    // The status of one that has ended may be right already: it is told with its end.
    if (after && jobs.some(({ ended }) => !ended)) await changed(after)
  }

  async function overtake(build: BuildPlan, jobs: readonly KeptJob[], { head }: RefRecord) {
    for (const job of jobs) await remove(job)
    // The status of the same commit is the other build's.
    if (head === build.sha) return
    const identity = { ...build, attempt: 0 }
    const id = buildId(identity)
    const reason = head === undefined ? `${build.ref} is gone` : `Superseded by ${head.slice(0, 7)}`
    await builds.create({ ...identity, id }, { state: 'superseded', reason })
    const ended = await builds.get(id)
    if (ended) await changed(ended)
  }

  return async () => {
    const adopted: string[] = []
    const removed: string[] = []
    const lanes = new Set<string>()
    for (const { build, jobs } of newestFirst(await options.jobs())) {
      const present = await builds.get(build.id)
      if (present && isEnded(present.state)) continue
      const isNewest = !lanes.has(laneOf(build))
      lanes.add(laneOf(build))
      const record = await recordOf(build)
      if (present || (isNewest && record.generation === build.generation)) {
        await adopt(build, jobs)
        adopted.push(build.id)
      } else if (jobs.some(({ ended }) => !ended)) {
        await overtake(build, jobs, record)
        removed.push(...jobs.map(({ name }) => name))
      }
    }
    return { adopted, removed }
  }

  async function recordOf(build: BuildPlan): Promise<RefRecord> {
    const { repository, ref, generation, sha: head, plan } = build
    // An upload has no ref that anything could be compared with.
    if (plan.upload) return { generation, head, baseline: false }
    await refs.knownRepositoryId(repository)
    return refs.restoreHead(repository, ref, { generation, head })
  }
}

interface KeptBuild {
  readonly build: BuildPlan
  readonly jobs: readonly KeptJob[]
}

const laneOf = ({ repository: { forge, id }, ref, image }: BuildPlan): string =>
  JSON.stringify([forge, id, ref, image])

/** Each build with its Jobs; of a ref the latest first, since it tells where the ref is. */
function newestFirst(jobs: readonly KeptJob[]): KeptBuild[] {
  const builds = [...Map.groupBy(jobs, ({ build }) => build.id).values()]
  return builds
    .map((all) => ({ build: (all[0] as KeptJob).build, jobs: latestTries(all) }))
    .toSorted(
      (a, b) => b.build.generation - a.build.generation || b.build.attempt - a.build.attempt,
    )
}

/** The latest try of each part. */
const latestTries = (jobs: readonly KeptJob[]): KeptJob[] => [
  ...new Map(jobs.toSorted((a, b) => a.tries - b.tries).map((job) => [job.part, job])).values(),
]
