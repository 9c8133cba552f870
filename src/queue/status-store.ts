import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { StatusStore } from '../statuses/reporter.ts'
import { key } from './redis.ts'

/** A hash: one field a ref (and image, in a summary) with the id of its newest build, and what was shown last. */
export const statusKey = (id: string): string => key('status', id)

/** Not the name of a ref. */
const shownField = 'shown'

/** KEYS: lease. ARGV: token. */
const release = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`

/** KEYS: lease. ARGV: token, milliseconds. */
const renew = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
`

/** As for BullMQ's locks: a dead process holds a status back no longer, a slow one renews. */
const leaseMs = 10_000

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
      const renewal = setInterval(() => {
        redis.eval(renew, 1, lease, token, leaseMs).catch(() => undefined)
      }, leaseMs / 3)
      try {
        await work()
        return true
      } finally {
        clearInterval(renewal)
        await redis.eval(release, 1, lease, token)
      }
    },
  }
}
