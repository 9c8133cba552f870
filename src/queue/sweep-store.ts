import type { Redis } from 'ioredis'
import type { Repository } from '../builds/push-event.ts'
import type { Sighting } from '../sweep/moved-refs.ts'
import { key } from './redis.ts'

/** What is kept of a repository that is looked at. */
export interface SweptRepository {
  /** Undefined: the forge was not asked about it yet. */
  readonly repository?: Repository
  readonly sighting?: Sighting
  /** Looks that failed since the last one that did not. */
  readonly failures: number
}

/** Which repositories are looked at, when, and what was seen there. A name is `host/path` in lower case. */
export interface SweepStore {
  /** Adds those that are not there yet, each with the time of its first look. */
  add(times: ReadonlyMap<string, number>): Promise<void>
  /** Those whose time has come, the longest waiting first. Times are milliseconds since the epoch. */
  due(now: number): Promise<string[]>
  get(name: string): Promise<SweptRepository>
  /** Keeps what is known, and says when to look again. */
  keep(name: string, swept: SweptRepository, nextAt: number): Promise<void>
  forget(name: string): Promise<void>
  /** Has nobody ask the forge for so many milliseconds. */
  pause(forge: string, ms: number): Promise<void>
  isPaused(forge: string): Promise<boolean>
  /** Whether this is the first one who asks for it within so many milliseconds. */
  claim(what: string, ms: number): Promise<boolean>
  /** Has nobody claim it for so many milliseconds from now. */
  hold(what: string, ms: number): Promise<void>
}

/** How long it is remembered what was seen: kanihook may be off for as long and finds what it missed. */
const keptMs = 30 * 24 * 3600 * 1000

const timesKey = key('sweep')
const nameKey = (name: string): string => key('swept', name)
const claimKey = (what: string): string => key('sweep-claim', what)
const pauseKey = (forge: string): string => key('sweep-paused', forge)

export const createSweepStore = (redis: Redis): SweepStore => ({
  async add(times) {
    if (times.size === 0) return
    await redis.zadd(timesKey, 'NX', ...[...times].flatMap(([name, at]) => [at, name]))
  },

  due: (now) => redis.zrangebyscore(timesKey, '-inf', now),

  async get(name) {
    const kept = await redis.get(nameKey(name))
    return kept === null ? { failures: 0 } : (JSON.parse(kept) as SweptRepository)
  },

  async keep(name, swept, nextAt) {
    await redis
      .multi()
      .set(nameKey(name), JSON.stringify(swept), 'PX', keptMs)
      .zadd(timesKey, nextAt, name)
      .exec()
  },

  async forget(name) {
    await redis.multi().del(nameKey(name)).zrem(timesKey, name).exec()
  },

  async pause(forge, ms) {
    await redis.set(pauseKey(forge), '1', 'PX', Math.ceil(ms))
  },

  claim: async (what, ms) =>
    (await redis.set(claimKey(what), '1', 'PX', Math.ceil(ms), 'NX')) !== null,

  async hold(what, ms) {
    await redis.set(claimKey(what), '1', 'PX', Math.ceil(ms))
  },

  isPaused: async (forge) => (await redis.exists(pauseKey(forge))) === 1,
})
