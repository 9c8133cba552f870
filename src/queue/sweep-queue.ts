import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { prefix } from './redis.ts'

export const sweepsQueue = 'sweeps'

/**
 * Asks for a sweep, again and again. One entry at most is in the queue: of many workers that ask, one at a time
 * has it. `redis`: a connection that does not wait for Redis, as what is asked for too late is asked for again.
 */
export function askForSweeps(redis: Redis, everyMs: number): { close(): Promise<void> } {
  const queue = new Queue(sweepsQueue, { connection: redis, prefix })
  queue.on('error', () => undefined)
  const ask = (): void => {
    const once = { jobId: 'sweep', removeOnComplete: true, removeOnFail: true }
    queue.add('sweep', null, once).catch(() => undefined)
  }
  ask()
  const timer = setInterval(ask, everyMs)
  return {
    async close() {
      clearInterval(timer)
      await queue.close()
    },
  }
}
