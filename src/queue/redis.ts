import { Redis, type RedisOptions } from 'ioredis'

/** One hash tag for every key, so that scripts and transactions also work in a Redis Cluster. */
export const prefix = '{kanihook}'

export const key = (...parts: readonly string[]): string => [prefix, ...parts].join(':')

// Tried against a frozen, killed, and late-starting Redis: an answer, good or bad, within 1.5 s, and
// recovery unaided. A command that timed out may still have been stored: callers repeat it safely.
const bounded = {
  // The commands of requests that come together share a round trip, and one write to the socket.
  enableAutoPipelining: true,
  commandTimeout: 1500,
  connectTimeout: 1500,
  socketTimeout: 1500,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  retryStrategy: (times: number) => Math.min(100 * times, 1000),
} satisfies RedisOptions

/** A connection whose every command fails within 2 s rather than hang: for requests that are waited for. */
export const connectBounded = (url: string): Redis => quiet(new Redis(url, bounded))

/** A connection that waits for Redis as long as it takes: for workers, whose reads block. */
export const connectPatient = (url: string): Redis =>
  quiet(
    new Redis(url, {
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(100 * times, 1000),
    }),
  )

/** Connection errors show in the failing commands and in /readyz; unheard they would end the process. */
function quiet(redis: Redis): Redis {
  redis.on('error', () => undefined)
  return redis
}
