import { randomUUID } from 'node:crypto'
import { Queue, type Job, type JobState } from 'bullmq'
import type { Redis } from 'ioredis'
import type { PlanResult } from '../builds/plan.ts'
import type { Delivery, PushEvent } from '../builds/push-event.ts'
import type { QueueDepth } from '../telemetry/metrics.ts'
import type { DeliveryQueue, DeliveryRecord } from './delivery-queue.ts'
import { depthsOf } from './depth.ts'
import { createFairLine } from './fair-line.ts'
import { key, prefix } from './redis.ts'

export const deliveriesQueue = 'deliveries'

const days = 24 * 3600 * 1000

/** Longer than any forge can redeliver (GitHub Enterprise Server: 7 days). */
const keptMs = 8 * days

/** How long "nobody wanted this" is remembered. */
const rememberedMs = 1 * days

const ownerOf = ({ repository: { forge, id } }: PushEvent): string => `${forge}/${id}`

const ignoredKey = (id: string): string => key('ignored', id)

/** States of those that are not planned yet. */
const open = ['active', 'waiting', 'prioritized', 'delayed'] as const

/** How many of them are looked at to find one. */
const mostUnplanned = 1_000

/** The queue as what holds it open sees it. */
export interface OpenDeliveryQueue extends DeliveryQueue {
  /** Deliveries that wait for their plan; undefined: too many to look at. */
  unplanned(): Promise<readonly Delivery[] | undefined>
  /** A delivery of this priority is being planned: what counts for whose turn it is. */
  began(priority: number): Promise<void>
  /** How many deliveries wait and run. */
  depths(): Promise<QueueDepth[]>
  close(): Promise<void>
}

/** Deliveries in Redis: a BullMQ job is the stored delivery and the queue entry at once. */
export function createDeliveryQueue(redis: Redis): OpenDeliveryQueue {
  const queue = new Queue<Delivery, PlanResult>(deliveriesQueue, {
    connection: redis,
    prefix,
    defaultJobOptions: {
      attempts: 10,
      backoff: { type: 'exponential', delay: 1_000 },
      removeOnComplete: { age: keptMs / 1000, count: 100_000 },
      removeOnFail: { age: keptMs / 1000, count: 100_000 },
    },
  })
  queue.on('error', () => undefined)
  const line = createFairLine({ redis, queue: deliveriesQueue })

  return {
    async accept(delivery) {
      const { id: jobId, event } = delivery
      const owner = ownerOf(event)
      const priority = await line.place(jobId, { owner })
      // The add is one script, so it cannot half happen, and it leaves a job of that id as it is: the name that
      // the job has then tells who stored it, also where the answer to an earlier try was lost.
      const name = `push ${randomUUID()}`
      if (priority !== undefined) await queue.add(name, delivery, { jobId, priority })
      if ((await redis.hget(queue.toKey(jobId), 'name')) === name) return 'accepted'
      await planAgain(jobId, owner)
      return 'duplicate'
    },

    began: line.began,

    async remember(delivery, reason) {
      const record = JSON.stringify({ delivery, reason })
      await redis.set(ignoredKey(delivery.id), record, 'PX', rememberedMs).catch(() => undefined)
    },

    async get(id) {
      const [job, ignored] = await Promise.all([queue.getJob(id), redis.get(ignoredKey(id))])
      if (job) {
        const result = job.returnvalue as PlanResult | null
        const state = recordState(await job.getState(), result)
        const reason = result?.reason ?? (job.failedReason || undefined)
        return { delivery: job.data, state, reason, builds: result?.builds ?? [] }
      }
      if (ignored === null) return undefined
      const { delivery, reason } = JSON.parse(ignored) as { delivery: Delivery; reason: string }
      return { delivery, reason, state: 'ignored', builds: [] }
    },

    async unplanned() {
      // One more than is looked at tells that there are more.
      const jobs = await queue.getJobs([...open], 0, mostUnplanned)
      if (jobs.length > mostUnplanned) return undefined
      // One that was planned meanwhile is not there any more.
      return jobs.flatMap((job: Job<Delivery, PlanResult> | undefined) => (job ? [job.data] : []))
    },

    depths: () => depthsOf(queue),

    close: () => queue.close(),
  }

  /** A redelivery of what failed, or of what built nothing, is a wish to have it looked at again. */
  async function planAgain(jobId: string, owner: string): Promise<void> {
    const job = await queue.getJob(jobId)
    const state = await job?.getState()
    if (!job || !(state === 'failed' || state === 'completed')) return
    // Without an id of the forge's it may be another push: A → B → A → B has the same two commits twice.
    const isKnown = job.data.forgeId !== undefined
    if (state === 'completed' && job.returnvalue?.decision !== 'ignored' && isKnown) return
    // It has had its turn.
    await job.changePriority({ priority: await line.nextPlace(owner) })
    const again = { resetAttemptsMade: true, resetAttemptsStarted: true }
    await job.retry(state, again).catch(async (error: unknown) => {
      // Another process may have been quicker; then it is planned again all the same.
      if ((await job.getState()) === state) throw error
    })
  }
}

function recordState(
  state: JobState | 'unknown',
  result: PlanResult | null,
): DeliveryRecord['state'] {
  if (state === 'completed') return result?.decision ?? 'planned'
  if (state === 'failed') return 'failed'
  return state === 'active' ? 'planning' : 'queued'
}
