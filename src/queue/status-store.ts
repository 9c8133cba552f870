import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { StatusStore } from '../statuses/reporter.ts'
import { key } from './redis.ts'

/** A hash: one field a ref with the id of its newest build, and what was shown last. */
export const statusKey = (id: string): string => key('status', id)

/** Not the name of a ref. */
const shownField = 'shown'

/** KEYS: lease. ARGV: token. */
const release = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`

/** Longer than one post to a forge may take, its time-out included. */
const leaseMs = 30_000

export function createStatusStore(redis: Redis): StatusStore {
  return {
    async read(id) {
      const { [shownField]: shown, ...builds } = await redis.hgetall(statusKey(id))
      return {
        builds: Object.values(builds),
        shown: shown === undefined ? undefined : JSON.parse(shown),
      }
    },

    async recordShown(id, shown) {
      await redis.hset(statusKey(id), shownField, JSON.stringify(shown))
    },

    async exclusively(id, work) {
      const lease = key('lease', id)
      const token = randomUUID()
      if ((await redis.set(lease, token, 'PX', leaseMs, 'NX')) === null) return false
      try {
        await work()
        return true
      } finally {
        await redis.eval(release, 1, lease, token)
      }
    },
  }
}
