import { isEnded } from './build.ts'
import type { BuildStore } from './ports.ts'
import type { KeptJob } from './restore.ts'

export interface OrphanOptions {
  /** Those that are not being deleted. */
  readonly jobs: () => Promise<readonly KeptJob[]>
  readonly builds: Pick<BuildStore, 'get'>
  /** Removes a Job with its pod. */
  readonly remove: (job: KeptJob) => Promise<unknown>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Who ends a build may still be at its Job, for as long as a node is waited for. In milliseconds. */
const graceMs = 5 * 60_000

/**
 * Removes the Jobs that still run though their build ended a while ago, as one whose node was gone and has come back:
 * its late push would move tags. Returns their names. A Job without a record may be another kanihook's, and is left.
 */
export function createOrphanRemoval(options: OrphanOptions): () => Promise<readonly string[]> {
  const { jobs, builds, remove, now } = options
  return async () => {
    const removed: string[] = []
    for (const job of await jobs()) {
      if (job.ended) continue
      const { state, endedAt = now() } = (await builds.get(job.build.id)) ?? {}
      if (state === undefined || !isEnded(state) || now() - endedAt < graceMs) continue
      await remove(job)
      removed.push(job.name)
    }
    return removed
  }
}
