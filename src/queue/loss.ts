import type { Redis } from 'ioredis'
import { repeat } from '../repeat.ts'
import { key } from './redis.ts'

/** There as long as Redis was not emptied. */
const markKey = key('kept')

export interface LossWatchOptions {
  /** A connection that does not wait for Redis: an outage is no loss. */
  readonly redis: Redis
  readonly everyMs: number
  /** Makes good what can be. Safe to repeat; rejects where it has to be done again. */
  readonly onLoss: () => Promise<void>
  readonly onError: (error: Error) => void
}

/** Looks whether Redis was emptied, now and ever after: as at the very first start. */
export function watchForLoss({ redis, everyMs, onLoss, onError }: LossWatchOptions): {
  close(): void
} {
  async function look(): Promise<void> {
    const isKept = await redis.exists(markKey).catch(() => 1)
    if (isKept === 1) return
    await onLoss()
    await redis.set(markKey, '1')
  }
  return repeat({ everyMs, work: look, onError })
}
