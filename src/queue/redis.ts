import { Redis, type RedisOptions } from 'ioredis'

/** One hash tag for every key, so that scripts and transactions also work in a Redis Cluster. */
export const prefix = '{kanihook}'

export const key = (...parts: readonly string[]): string => [prefix, ...parts].join(':')

/**
 * The server that is connected to has become a replica: its address may lead to the new primary by now, and it keeps
 * its connections. So the connection is made anew, and what was refused is for the caller to repeat.
 */
const reconnectOnError = (error: Error): boolean => error.message.includes('READONLY')

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
  reconnectOnError,
} satisfies RedisOptions

/** Told when a connection is lost, and when it is back. */
export type OnConnection = (state: 'lost' | 'back', message: string) => void

/** A connection whose every command fails within 2 s rather than hang: for requests that are waited for. */
export const connectBounded = (url: string, onConnection?: OnConnection): Redis =>
  watched(new Redis(url, bounded), onConnection)

/**
 * A connection that waits for Redis as long as it takes: for workers, whose reads block. One that says nothing
 * for longer than any read blocks (BullMQ's: 10 s) has died unnoticed, as in a failover, and is made anew.
 */
export const connectPatient = (url: string, onConnection?: OnConnection): Redis =>
  watched(
    new Redis(url, {
      maxRetriesPerRequest: null,
      socketTimeout: 20_000,
      retryStrategy: (times) => Math.min(100 * times, 1000),
      reconnectOnError,
    }),
    onConnection,
  )

/** An outage is told once, however often the connection is tried; unheard it would end the process. */
function watched(redis: Redis, onConnection: OnConnection = () => undefined): Redis {
  let lost = false
  redis.on('error', (error) => {
    if (!lost) onConnection('lost', error.message)
    lost = true
  })
  redis.on('ready', () => {
    if (lost) onConnection('back', '')
    lost = false
  })
  return redis
}
