import { DelayedError, UnrecoverableError, Worker, type Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { PermanentError, RetryLater } from '../errors.ts'
import { prefix } from './redis.ts'

export interface QueueWorkerOptions<Data, Result> {
  readonly queue: string
  /** A connection that waits for Redis as long as it takes. */
  readonly redis: Redis
  readonly concurrency: number
  /**
   * Does a job, safely to repeat. RetryLater puts it off; PermanentError and the last of its attempts
   * end it as failed. Aborted: it is handed over at once.
   */
  readonly work: (data: Data, signal: AbortSignal) => Promise<Result>
  /** A job of this priority is begun. */
  readonly began?: (priority: number) => Promise<void>
  /** How often RetryLater puts a job off before it is a failure; for ever unless either is said. */
  readonly patience?: number
  /** For how long it does at least, in milliseconds since the job was added. */
  readonly patienceMs?: number
  /** A job failed for good. */
  readonly failed?: (data: Data, error: Error) => Promise<void>
  readonly onError: (error: Error, data?: Data) => void
  /** How long Redis is given to mend, in milliseconds. */
  readonly troubleMs?: number
}

export interface QueueWorker {
  readonly queue: string
  /** Whether it has a slot for another job, and how many jobs it has begun. */
  load(): { readonly free: boolean; readonly started: number }
  /** Takes no more, hands over what runs, and closes. */
  close(): Promise<void>
}

/** A worker of one queue. A dead worker's jobs are taken over by another within about 10 s. */
export function createQueueWorker<Data, Result>(
  options: QueueWorkerOptions<Data, Result>,
): QueueWorker {
  const {
    queue,
    redis,
    concurrency,
    work,
    began,
    patienceMs = 0,
    patience = patienceMs > 0 ? 0 : Infinity,
    failed,
    onError,
    troubleMs = 5_000,
  } = options
  const stopping = new AbortController()
  let started = 0
  let running = 0

  async function process(job: Job<Data, Result>, token?: string): Promise<Result> {
    started += 1
    running += 1
    try {
      // Whose turn is next is a matter of order alone: nothing fails for it.
      await began?.(job.priority).catch(() => undefined)
      return await attempt(job, token)
    } finally {
      running -= 1
    }
  }

  async function attempt(job: Job<Data, Result>, token?: string): Promise<Result> {
    try {
      return await work(job.data, stopping.signal)
    } catch (error) {
      // Redis is full, read-only or loading: that is no fault of the job.
      const trouble = error instanceof Error && error.name === 'ReplyError' ? troubleMs : undefined
      const delay = trouble ?? retryDelay(error, job.attemptsStarted)
      const putOff = stopping.signal.aborted ? 0 : delay
      const isPatient = job.attemptsStarted < patience || Date.now() - job.timestamp < patienceMs
      if (putOff !== undefined && isPatient) {
        await job.moveToDelayed(Date.now() + putOff, token)
        throw new DelayedError()
      }
      const last = job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
      if (last || error instanceof PermanentError || error instanceof RetryLater) {
        await failed?.(job.data, error as Error).catch(async (cause: unknown) => {
          // A failure that nobody hears of is none: it is told later.
          onError(cause as Error, job.data)
          await job.moveToDelayed(Date.now() + troubleMs, token)
          throw new DelayedError()
        })
        throw new UnrecoverableError((error as Error).message)
      }
      onError(error as Error, job.data)
      throw error
    }
  }

  const worker = new Worker<Data, Result>(queue, process, {
    connection: redis,
    prefix,
    concurrency,
    // Tried: with the defaults a killed worker's jobs are picked up after 60 s, with these after 10.
    lockDuration: 10_000,
    stalledInterval: 5_000,
    // A job that outlives many workers is no failure: every step is safe to repeat.
    maxStalledCount: 1_000,
  })
  worker.on('error', (error) => onError(error))

  return {
    queue,
    load: () => ({ free: running < concurrency, started }),
    async close() {
      stopping.abort(new Error('this worker is stopping'))
      // Without Redis nothing can be handed over, and BullMQ would wait for it.
      await Promise.race([worker.close(), lossOf(redis)])
    },
  }
}

/** Resolves when the connection is not there, now or later. */
const lossOf = (redis: Redis): Promise<void> =>
  new Promise((resolve) => {
    if (redis.status === 'ready') redis.once('close', resolve)
    else resolve()
  })

/** Milliseconds until a job is looked at again, not all at once; undefined: not by waiting. */
function retryDelay(error: unknown, started: number): number | undefined {
  if (!(error instanceof RetryLater)) return undefined
  return (
    error.afterMs ?? Math.min(60_000, 500 * 2 ** Math.min(started, 10)) * (0.75 + Math.random() / 2)
  )
}
