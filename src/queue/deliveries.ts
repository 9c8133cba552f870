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
import { room, shareInUse, usedScript } from './room.ts'

export const deliveriesQueue = 'deliveries'

const days = 24 * 3600 * 1000

/** Longer than any forge can redeliver (GitHub Enterprise Server: 7 days). */
const keptMs = 8 * days

/** How many are kept when they were planned, and how many of those that failed. */
const keptCount = 20_000

/** How long "nobody wanted this" is remembered, and of how many deliveries. */
const rememberedMs = 1 * days
const mostIgnored = 10_000

/** How many may wait to be planned before further ones are refused. */
const mostOpen = 10_000

/** KEYS: ignored, ids of all. ARGV: record, milliseconds, id, how many, prefix of keys. The oldest go first. */
const rememberIgnored = `${usedScript}
if used() >= ${room.logs} then return end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('LPUSH', KEYS[2], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
while redis.call('LLEN', KEYS[2]) > tonumber(ARGV[4]) do
  redis.call('DEL', ARGV[5] .. redis.call('RPOP', KEYS[2]))
end
`

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
  /** Forgets what was planned longest ago while Redis is nearly full. */
  giveWay(): Promise<void>
  /** How many deliveries wait and run. */
  depths(): Promise<QueueDepth[]>
  close(): Promise<void>
}

/** Deliveries in Redis: a BullMQ job is the stored delivery and the queue entry at once. */
export function createDeliveryQueue(
  redis: Redis,
  { bound = mostOpen, ignored = mostIgnored } = {},
): OpenDeliveryQueue {
  const queue = new Queue<Delivery, PlanResult>(deliveriesQueue, {
    connection: redis,
    prefix,
    defaultJobOptions: {
      attempts: 10,
      backoff: { type: 'exponential', delay: 1_000 },
      removeOnComplete: { age: keptMs / 1000, count: keptCount },
      removeOnFail: { age: keptMs / 1000, count: keptCount },
    },
  })
  queue.on('error', () => undefined)
  const line = createFairLine({ redis, queue: deliveriesQueue, bound })

  return {
    async accept(delivery) {
      const { id: jobId, event } = delivery
      const owner = ownerOf(event)
      const priority = await line.place(jobId, { owner })
      // The add is one script, so it cannot half happen, and it leaves a job of that id as it is: the name that
      // the job has then tells who stored it, also where the answer to an earlier try was lost.
      const name = `push ${randomUUID()}`
      if (priority !== undefined) await queue.add(name, delivery, { jobId, priority })
      const stored = await redis.hget(queue.toKey(jobId), 'name')
      if (stored === name) return 'accepted'
      // It gave way for want of room while it was looked at.
      if (stored === null) throw new Error('the delivery of that id was just forgotten')
      await planAgain(jobId, owner)
      return 'duplicate'
    },

    began: line.began,

    async remember(delivery, reason) {
      const record = JSON.stringify({ delivery, reason })
      const keys = [ignoredKey(delivery.id), key('ignored-ids')]
      const more = [record, rememberedMs, delivery.id, ignored, ignoredKey('')]
      await redis.eval(rememberIgnored, 2, ...keys, ...more).catch(() => undefined)
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

    async giveWay() {
      if ((await shareInUse(redis)) < room.logs) return
      await queue.clean(0, 1_000, 'completed')
      await queue.clean(0, 1_000, 'failed')
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
