import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueDepth } from '../telemetry/metrics.ts'
import { buildEntry as entry, buildKey, buildsQueue } from './build-store.ts'
import { depthsOf } from './depth.ts'
import { createFairLine } from './fair-line.ts'
import { prefix } from './redis.ts'

export { buildsQueue }
export const statusesQueue = 'statuses'

/** Where planner and builder leave work for others: entries name records, and hold nothing else. */
export interface WorkQueues {
  /**
   * Has a build run to its end, when it is the turn of its repository. One entry a build, however often it is
   * asked for.
   */
  build(id: string): Promise<void>
  /** A build that was put off may run now. */
  buildNow(id: string): Promise<void>
  /** Takes a build that has ended out of the line. False: somebody has it, or it is not there. */
  leave(id: string): Promise<boolean>
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

export function createWorkQueues({ redis, maxBuilds }: WorkQueueOptions): WorkQueues {
  const builds = new Queue(buildsQueue, { connection: redis, prefix })
  const statuses = new Queue(statusesQueue, { connection: redis, prefix })
  const line = createFairLine({ redis, queue: buildsQueue })
  for (const queue of [builds, statuses]) queue.on('error', () => undefined)
  async function bound(): Promise<void> {
    if (maxBuilds === undefined) return
    if (maxBuilds > 0) await builds.setGlobalConcurrency(maxBuilds)
    else await builds.removeGlobalConcurrency()
  }
  /** False: it is held by somebody just now. It may be in line already, or not be there: both are fine. */
  async function promoted(id: string): Promise<boolean> {
    const job = await builds.getJob(entry(id))
    const isPromoted = await job?.promote().then(
      () => true,
      () => false,
    )
    return isPromoted === true || !(await job?.isActive())
  }

  bound().catch(() => undefined)
  return {
    bound,

    async build(id) {
      const priority = await line.place(entry(id), { record: buildKey(id) })
      if (priority === undefined) return
      await builds.add('build', id, {
        jobId: entry(id),
        priority,
        attempts: 10,
        backoff: { type: 'exponential', delay: 1_000 },
        // The record is what is kept; an entry that is added again finds it ended.
        removeOnComplete: true,
        removeOnFail: true,
      })
    },

    async buildNow(id) {
      if (await promoted(id)) return
      // Whoever has it may be about to put it off, for what was in its way until now.
      void (async () => {
        for (const wait of [50, 200, 1_000]) {
          await sleep(wait, undefined, { ref: false })
          if (await promoted(id)) return
        }
      })().catch(() => undefined)
    },

    // Removing what is not there is a success as well.
    leave: async (id) =>
      (await builds.getJob(entry(id))) !== undefined && (await builds.remove(entry(id))) === 1,

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
