import type { Redis } from 'ioredis'
import { hasStopped, owedAfter, type Owed, type Sight } from './consumption.ts'
import { key } from './redis.ts'
import type { QueueWorker } from './worker.ts'

export interface WatchdogOptions {
  readonly worker: Pick<QueueWorker, 'queue' | 'load'>
  /** A bounded connection, and not the worker's own: that one may be what hangs. */
  readonly redis: Pick<Redis, 'eval'>
  /** Told once each time that the worker is found to have stopped. */
  readonly onStopped: () => void
  /** Between two looks. Milliseconds. */
  readonly lookMs?: number
  /** How long a job is left to lie before the worker counts as stopped. Milliseconds. */
  readonly patienceMs?: number
  /** A longer pause between two looks starts the time anew; three looks unless said. Milliseconds. */
  readonly gapMs?: number
}

export interface Watchdog {
  readonly queue: string
  /** The worker does not take jobs any more though Redis would give them; a restart helps. */
  stopped(): boolean
  close(): void
}

/**
 * Watches whether a worker consumes its queue: a worker whose connection hangs says nothing by itself. What is
 * seen is judged in consumption.ts.
 */
export function createWatchdog(options: WatchdogOptions): Watchdog {
  const { worker, redis, onStopped, lookMs = 5_000, patienceMs = 60_000 } = options
  const { gapMs = 3 * lookMs } = options
  const { queue } = worker
  let owed: Owed | undefined
  let looking = false
  let closed = false

  async function look(): Promise<void> {
    const line = await readLine(redis, queue).catch(() => undefined)
    if (closed) return
    const sight: Sight | undefined = line && {
      ...line,
      ...worker.load(),
      at: performance.now(),
    }
    const before = hasStopped(owed, patienceMs)
    owed = owedAfter(owed, sight, gapMs)
    if (hasStopped(owed, patienceMs) && !before) onStopped()
  }

  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void look().finally(() => (looking = false))
  }, lookMs).unref()
  return {
    queue,
    stopped: () => hasStopped(owed, patienceMs),
    close() {
      closed = true
      clearInterval(timer)
      owed = undefined
    },
  }
}

/**
 * The keys are BullMQ's. A job is named with how often it was begun, so that one that is put back in line is
 * another. What is due in `delayed` may be taken as well: whoever takes a job moves it to the line first.
 * The write fails where a worker's would (Redis is full, or a replica): then nothing can be taken.
 *
 * KEYS: probe, and of the queue: meta, active, wait, prioritized, delayed.
 * ARGV: prefix of job keys, the highest score in `delayed` that is due.
 */
const script = `
local probe, meta, active, wait, prioritized, delayed = unpack(KEYS)
local prefix, due = unpack(ARGV)
redis.call('SET', probe, '1', 'PX', 60000)
local function named(id)
  return id and id .. ':' .. (redis.call('HGET', prefix .. id, 'ats') or '0') or ''
end
local held = redis.call('LRANGE', active, 0, -1)
local abandoned
for _, id in ipairs(held) do
  if redis.call('EXISTS', prefix .. id .. ':lock') == 0 then abandoned = id end
end
local paused, bound = unpack(redis.call('HMGET', meta, 'paused', 'concurrency'))
if paused or (bound and #held >= tonumber(bound)) then return { named(abandoned), '' } end
local first = redis.call('LRANGE', wait, -1, -1)[1]
  or redis.call('ZRANGE', prioritized, 0, 0)[1]
  or redis.call('ZRANGEBYSCORE', delayed, 0, due, 'LIMIT', 0, 1)[1]
return { named(abandoned), named(first) }
`

async function readLine(
  redis: WatchdogOptions['redis'],
  queue: string,
): Promise<Pick<Sight, 'next' | 'abandoned'>> {
  const parts = ['meta', 'active', 'wait', 'prioritized', 'delayed']
  const keys = [key('watchdog', queue), ...parts.map((part) => key(queue, part))]
  // BullMQ keeps the time in the upper bits of the score, above a counter of 12 bits.
  const due = Date.now() * 0x1000
  const [abandoned, next] = (await redis.eval(
    script,
    keys.length,
    ...keys,
    `${key(queue)}:`,
    due,
  )) as [string, string]
  return { next: next || undefined, abandoned: abandoned || undefined }
}
