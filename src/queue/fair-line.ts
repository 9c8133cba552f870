import type { Redis } from 'ioredis'
import { RetryLater } from '../errors.ts'
import { key } from './redis.ts'
import { room, usedScript } from './room.ts'

/**
 * Who is next, where many repositories share a queue: start-time fair queuing, by BullMQ's priorities (the lowest
 * first, and in the order of their coming where they are the same).
 *
 * A repository's entry gets the tag after its one before, and none below the tag of what was begun last. So the
 * entries of a burst stand one after the other, the first entry of another repository goes before all of them but
 * those that were begun, and whoever keeps coming cannot keep a waiting one from its turn.
 */
export interface FairLine {
  /**
   * The place of an entry: its priority. Undefined: it is in the queue already. `record`: the key of a hash that
   * knows more: its `owner`, the `place` that it takes over from another, and its `state`, since what has
   * begun comes before all that waits. Throws RetryLater where the queue has its bound, or Redis is nearly full.
   */
  place(entry: string, of: { owner: string } | { record: string }): Promise<number | undefined>
  /** The place for one that is in no state to be taken now, and will be put in line again. */
  nextPlace(owner: string): Promise<number>
  /** What has this place is begun. */
  began(place: number): Promise<void>
}

/** The tag of what was begun last. */
export const beganKey = (queue: string): string => key('line', queue, 'began')

/** The tag that the next entry of each repository has at least; those that it is no news of are dropped. */
const nextKey = (queue: string): string => key('line', queue, 'next')

export const entryKey = (queue: string, id: string): string => key(queue, id)

/** Lua: a tag is begun. */
export const beganScript = `
local function began(key, tag)
  if tag and tonumber(tag) > tonumber(redis.call('GET', key) or '1') then redis.call('SET', key, tag) end
end
`

/**
 * BullMQ knows priorities below 2^21. Before that all tags are counted anew from the one begun last. One that was
 * given by then and is added only now would stand too far behind: it is known by that, and goes to the front.
 *
 * KEYS: began, next, and of the queue: prioritized, delayed, active, wait; entry, record. ARGV: owner, prefix of
 * entries, the highest tag that is given, how far one may be ahead of what was begun, how many entries there may
 * be (0: any number), the share of memory that may be in use then.
 */
const placeScript = `${usedScript}
local began, next, prioritized, delayed, active, wait, entry, record = unpack(KEYS)
local owner, entries, most, span, bound, share = unpack(ARGV)
if redis.call('EXISTS', entry) == 1 then return false end
if tonumber(bound) > 0 then
  local open = redis.call('ZCARD', prioritized) + redis.call('ZCARD', delayed) + redis.call('LLEN', active) + redis.call('LLEN', wait)
  if open >= tonumber(bound) then return 'many' end
  if used() >= tonumber(share) then return 'memory' end
end
local known, place, state = unpack(redis.call('HMGET', record, 'owner', 'place', 'state'))
if state == 'starting' or state == 'running' then return '0' end
if place then return place end
owner = known or owner

local function countAnew(now)
  local function counted(tag)
    local left = tonumber(tag) - now + 1
    return (left < 1 or left >= tonumber(span)) and 1 or left
  end
  local function recount(id)
    local tag = redis.call('HGET', entries .. id, 'priority')
    if not tag or tag == '0' then return end
    redis.call('HSET', entries .. id, 'priority', counted(tag))
    return true
  end
  local line = redis.call('ZRANGE', prioritized, 0, -1, 'WITHSCORES')
  for i = 1, #line, 2 do
    local score = tonumber(line[i + 1])
    local order = score % 0x100000000
    recount(line[i])
    redis.call('ZADD', prioritized, counted((score - order) / 0x100000000) * 0x100000000 + order, line[i])
  end
  for _, id in ipairs(redis.call('ZRANGE', delayed, 0, -1)) do recount(id) end
  for _, id in ipairs(redis.call('LRANGE', active, 0, -1)) do recount(id) end
  for _, id in ipairs(redis.call('LRANGE', wait, 0, -1)) do recount(id) end
  local owners = redis.call('ZRANGE', next, 0, -1, 'WITHSCORES')
  for i = 1, #owners, 2 do redis.call('ZADD', next, counted(owners[i + 1]), owners[i]) end
  redis.call('SET', began, '1')
end

local function tags()
  local now = tonumber(redis.call('GET', began) or '1')
  redis.call('ZREMRANGEBYSCORE', next, '-inf', now)
  return now, math.max(now, tonumber(redis.call('ZSCORE', next, owner) or '1'))
end
local now, tag = tags()
local last = redis.call('ZREVRANGE', prioritized, 0, 0, 'WITHSCORES')[2]
local furthest = math.max(tag, last and math.floor(tonumber(last) / 0x100000000) or 1)
if tag >= tonumber(most) or furthest - now >= tonumber(span) then
  countAnew(now)
  now, tag = tags()
end
redis.call('ZADD', next, tag + 1, owner)
return tostring(tag)
`

export interface FairLineOptions {
  readonly redis: Redis
  readonly queue: string
  /** The highest tag that is given before all are counted anew. */
  readonly most?: number
  /** How many entries there may be before no further one gets a place; 0: any number, however full Redis is. */
  readonly bound?: number
}

export function createFairLine(options: FairLineOptions): FairLine {
  const { redis, queue, most = 2 ** 20, bound = 0 } = options
  const lists = ['prioritized', 'delayed', 'active', 'wait'].map((list) => key(queue, list))
  const keys = [beganKey(queue), nextKey(queue), ...lists]
  const entries = entryKey(queue, '')

  async function place(
    id: string,
    of: { owner: string } | { record: string },
  ): Promise<number | undefined> {
    // The prefix of entries is no entry's key.
    const [record, owner] = 'record' in of ? [of.record, ''] : [entries, of.owner]
    const all = [...keys, entryKey(queue, id), record]
    const more = [owner, entries, most, most / 2, bound, room.deliveries]
    const tag = (await redis.eval(placeScript, all.length, ...all, ...more)) as string | null
    if (tag === 'many') throw new RetryLater(`${bound} ${queue} wait already`)
    if (tag === 'memory') {
      throw new RetryLater(`Redis has ${100 * room.deliveries} % of its maxmemory in use`)
    }
    return tag === null ? undefined : Number(tag)
  }

  return {
    place,

    // Without an entry there is always a place.
    nextPlace: async (owner) => (await place('', { owner })) as number,

    async began(place) {
      await redis.eval(`${beganScript} began(KEYS[1], ARGV[1])`, 1, beganKey(queue), place)
    },
  }
}
