import type { Redis } from 'ioredis'
import { eventually } from '../../test/support/eventually.ts'

/** How Redis keeps what it was told: what a 202 is worth when its machine fails. */
export const persistences = ['no AOF', 'AOF everysec', 'AOF always'] as const
export type Persistence = (typeof persistences)[number]

/** Switches a running Redis over, empties it, and waits until it has nothing left to do about that. */
export async function setPersistence(redis: Redis, persistence: Persistence): Promise<void> {
  const on = persistence !== 'no AOF'
  await redis.config('SET', 'appendonly', on ? 'yes' : 'no')
  if (on) await redis.config('SET', 'appendfsync', persistence.slice('AOF '.length))
  await redis.flushall()
  await eventually(async () => /\baof_rewrite_in_progress:0\b/.test(await redis.info()), {
    within: 60_000,
    what: 'Redis has written its append-only file anew',
  })
}
