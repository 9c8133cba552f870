import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueDepth } from '../telemetry/metrics.ts'
import { depthsOf } from './depth.ts'
import { prefix } from './redis.ts'

export const buildsQueue = 'builds'
export const statusesQueue = 'statuses'

/** Where planner and builder leave work for others: entries name records, and hold nothing else. */
export interface WorkQueues {
  /** Has a build run to its end. One entry a build, however often it is asked for. */
  build(id: string): Promise<void>
  /** A build that was put off may run now. */
  buildNow(id: string): Promise<void>
  /**
   * Has what a forge shows brought up to date. `ended`: a build has, of which people wait to hear; that goes before
   * what is still under way, and is not put off with it.
   */
  status(id: string, ended: boolean): Promise<void>
  /** Sets how many builds may run at once, as was said when this was made. */
  bound(): Promise<void>
  /** How many builds and statuses wait and run. */
  depths(): Promise<QueueDepth[]>
  close(): Promise<void>
}

export interface WorkQueueOptions {
  readonly redis: Redis
  /** Sets how many builds may run at once, over all workers; 0: no bound. Undefined: left as it is. */
  readonly maxBuilds?: number
}

const entry = (id: string): string => `build-${id}`

export function createWorkQueues({ redis, maxBuilds }: WorkQueueOptions): WorkQueues {
  const builds = new Queue(buildsQueue, { connection: redis, prefix })
  const statuses = new Queue(statusesQueue, { connection: redis, prefix })
  for (const queue of [builds, statuses]) queue.on('error', () => undefined)
  async function bound(): Promise<void> {
    if (maxBuilds === undefined) return
    if (maxBuilds > 0) await builds.setGlobalConcurrency(maxBuilds)
    else await builds.removeGlobalConcurrency()
  }
  bound().catch(() => undefined)
  return {
    bound,

    async build(id) {
      await builds.add('build', id, {
        jobId: entry(id),
        attempts: 10,
        backoff: { type: 'exponential', delay: 1_000 },
        // The record is what is kept; an entry that is added again finds it ended.
        removeOnComplete: true,
        removeOnFail: true,
      })
    },

    async buildNow(id) {
      const job = await builds.getJob(entry(id))
      // It may be running already, or not be there: both are fine.
      await job?.promote().catch(() => undefined)
    },

    async status(id, ended) {
      await statuses.add('status', id, {
        // At most one entry of each kind lies there, however often a status changes; what changes while an entry is
        // worked on makes another, when that one is done.
        deduplication: {
          id: ended ? `${id}-ended` : id,
          keepLastIfActive: true,
          reschedule: ended,
        },
        // Those without a priority come first.
        ...(ended ? {} : { priority: 1 }),
        attempts: 20,
        backoff: { type: 'exponential', delay: 1_000 },
        removeOnComplete: true,
        removeOnFail: { age: 7 * 24 * 3600, count: 1_000 },
      })
    },

    async depths() {
      return (await Promise.all([builds, statuses].map(depthsOf))).flat()
    },

    async close() {
      await Promise.all([builds.close(), statuses.close()])
    },
  }
}
