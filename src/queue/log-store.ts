import type { Redis } from 'ioredis'
import type { LogLine, LogStore } from '../builds/ports.ts'
import { key } from './redis.ts'
import { room, usedScript } from './room.ts'

/** Lua: leaves a log out, and says in its facts how many lines that were. */
const forgetScript = `
local function resize(other, bytes)
  redis.call('HINCRBY', sizes, '', bytes - tonumber(redis.call('HGET', sizes, other) or '0'))
  if bytes > 0 then redis.call('HSET', sizes, other, bytes) else redis.call('HDEL', sizes, other) end
end
local function forget(other)
  local lines = redis.call('LLEN', logs .. other)
  -- First: over its maxmemory Redis lets a script write only what has made room.
  redis.call('DEL', logs .. other)
  if redis.call('EXISTS', others .. other) == 1 then
    redis.call('HINCRBY', others .. other, 'dropped', lines)
    redis.call('HSET', others .. other, 'bytes', 0)
  end
  redis.call('ZREM', times, other)
  resize(other, 0)
end
`

/**
 * Appends lines and drops the oldest ones over the bound. Of all logs the one that was written to longest ago goes
 * out first, as a whole, where they are over their budget or Redis fills; when none is left, what comes is dropped.
 * The total is the field without a name of the sizes.
 * KEYS: log, facts, times of all, sizes of all. ARGV: bound in bytes, retention, id, now, budget, prefixes of logs
 * and of facts, then (source, time, line)…
 */
const append = `${usedScript}
local log, facts, times, sizes = unpack(KEYS)
local most, retention, id, now, budget, logs, others = unpack(ARGV)
${forgetScript}
for _, other in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', now - retention, 'LIMIT', 0, 100)) do forget(other) end

local added = 0
for i = 8, #ARGV, 3 do added = added + #ARGV[i + 2] end
local function isFull()
  return tonumber(redis.call('HGET', sizes, '') or '0') + added > tonumber(budget) or used() >= ${room.logs}
end
local full = isFull()
while full do
  local oldest = redis.call('ZRANGE', times, 0, 0)[1]
  if not oldest or oldest == id then break end
  forget(oldest)
  full = isFull()
end

local bytes = tonumber(redis.call('HGET', facts, 'bytes') or '0')
local dropped = 0
for i = 8, #ARGV, 3 do
  redis.call('HSET', facts, 'last.' .. ARGV[i], ARGV[i + 1])
  if full then
    dropped = dropped + 1
  else
    redis.call('RPUSH', log, ARGV[i + 2])
    bytes = bytes + #ARGV[i + 2]
  end
end
-- An index counts every line that there ever was: what is dropped now stands behind what was kept.
local over = full and bytes or bytes - tonumber(most)
while over > 0 do
  local line = redis.call('LPOP', log)
  if not line then break end
  bytes = bytes - #line
  over = over - #line
  dropped = dropped + 1
end
redis.call('HSET', facts, 'bytes', bytes)
if dropped > 0 then redis.call('HINCRBY', facts, 'dropped', dropped) end
redis.call('PEXPIRE', log, retention)
redis.call('PEXPIRE', facts, retention)
redis.call('ZADD', times, now, id)
resize(id, bytes)
`

/** KEYS: times of all, sizes of all. ARGV: prefixes of logs and of facts. */
const giveWay = `${usedScript}
local times, sizes = unpack(KEYS)
local logs, others = unpack(ARGV)
${forgetScript}
for _ = 1, 100 do
  local oldest = used() >= ${room.logs} and redis.call('ZRANGE', times, 0, 0)[1]
  if not oldest then return end
  forget(oldest)
end
`

/** One look at both, so that an index stays that of its line. KEYS: log, facts. ARGV: index of a line. */
const readFrom = `
local dropped = tonumber(redis.call('HGET', KEYS[2], 'dropped') or '0')
local first = math.max(tonumber(ARGV[1]) - dropped, 0)
return {dropped, redis.call('LRANGE', KEYS[1], first, -1)}
`

export interface LogStoreOptions {
  readonly redis: Redis
  /** How long a log is kept after its last line, in milliseconds. */
  readonly retentionMs: number
  /** Bytes of one log; its oldest lines go first. */
  readonly maxBytes?: number
  /** Bytes of all logs together; the oldest log goes first. */
  readonly budget?: number
  /** Characters of one line; the rest is cut. */
  readonly maxLine?: number
}

const logKey = (id: string): string => key('log', id)
const factsKey = (id: string): string => key('log-facts', id)

/** The logs of builds in Redis: bounded lists that outlive the pods. */
export function createLogStore(options: LogStoreOptions): LogStore & {
  /** Leaves out the oldest logs while Redis is nearly full. */
  giveWay(): Promise<void>
} {
  const { redis, retentionMs, maxBytes = 2 << 20, maxLine = 4_000, budget = 1 << 30 } = options
  const bounded = (line: LogLine): LogLine =>
    line.text.length > maxLine ? { ...line, text: `${line.text.slice(0, maxLine)}…` } : line

  return {
    async append(id, lines) {
      const fields = lines
        .map(bounded)
        .flatMap((line) => [sourceOf(line), line.time, JSON.stringify(stored(line))])
      const keys = [logKey(id), factsKey(id), key('logs'), key('log-sizes')]
      const bounds = [maxBytes, retentionMs, id, Date.now(), budget, logKey(''), factsKey('')]
      await redis.eval(append, keys.length, ...keys, ...bounds, ...fields)
    },

    async giveWay() {
      const keys = [key('logs'), key('log-sizes')]
      await redis.eval(giveWay, keys.length, ...keys, logKey(''), factsKey(''))
    },

    async lastTime(id, source) {
      return (await redis.hget(factsKey(id), `last.${sourceOf(source)}`)) ?? undefined
    },

    async read(id, from = 0) {
      const [dropped, lines] = (await redis.eval(readFrom, 2, logKey(id), factsKey(id), from)) as [
        number,
        string[],
      ]
      return { lines: lines.map(readLine), dropped }
    },
  }
}

const sourceOf = ({ container, platform }: Pick<LogLine, 'container' | 'platform'>): string =>
  platform === undefined ? container : `${container}.${platform}`

/** Without a platform as it always was: a line of another version can be read. */
const stored = ({ container, time, text, platform }: LogLine): readonly string[] =>
  platform === undefined ? [container, time, text] : [container, time, text, platform]

function readLine(text: string): LogLine {
  const [container, time, line, platform] = JSON.parse(text) as [
    LogLine['container'],
    string,
    string,
    string | undefined,
  ]
  return { container, time, text: line, ...(platform === undefined ? {} : { platform }) }
}
