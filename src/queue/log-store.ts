import type { Redis } from 'ioredis'
import type { LogLine, LogStore } from '../builds/ports.ts'
import { key } from './redis.ts'

/**
 * Appends lines and drops the oldest ones over the bound.
 * KEYS: log, facts. ARGV: bound in bytes, retention, then (source, time, line)…
 */
const append = `
local log, facts = KEYS[1], KEYS[2]
local bytes = tonumber(redis.call('HGET', facts, 'bytes') or '0')
for i = 3, #ARGV, 3 do
  redis.call('RPUSH', log, ARGV[i + 2])
  redis.call('HSET', facts, 'last.' .. ARGV[i], ARGV[i + 1])
  bytes = bytes + #ARGV[i + 2]
end
local dropped = 0
while bytes > tonumber(ARGV[1]) do
  local line = redis.call('LPOP', log)
  if not line then break end
  bytes = bytes - #line
  dropped = dropped + 1
end
redis.call('HSET', facts, 'bytes', bytes)
if dropped > 0 then redis.call('HINCRBY', facts, 'dropped', dropped) end
redis.call('PEXPIRE', log, ARGV[2])
redis.call('PEXPIRE', facts, ARGV[2])
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
  /** Characters of one line; the rest is cut. */
  readonly maxLine?: number
}

const logKey = (id: string): string => key('log', id)
const factsKey = (id: string): string => key('log-facts', id)

/** The logs of builds in Redis: bounded lists that outlive the pods. */
export function createLogStore(options: LogStoreOptions): LogStore {
  const { redis, retentionMs, maxBytes = 2 << 20, maxLine = 4_000 } = options
  const bounded = (line: LogLine): LogLine =>
    line.text.length > maxLine ? { ...line, text: `${line.text.slice(0, maxLine)}…` } : line

  return {
    async append(id, lines) {
      const fields = lines
        .map(bounded)
        .flatMap((line) => [sourceOf(line), line.time, JSON.stringify(stored(line))])
      await redis.eval(append, 2, logKey(id), factsKey(id), maxBytes, retentionMs, ...fields)
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
