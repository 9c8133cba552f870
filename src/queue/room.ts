import type { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { key } from './redis.ts'

/**
 * Who may still write when Redis has this share of `maxmemory` in use. What is worth least stops first, so that
 * what was accepted can still be planned, built and told.
 */
export const room = { logs: 0.75, deliveries: 0.85, plans: 0.92 } as const

/** Lua: the share of `maxmemory` that is in use; 0 where there is no bound, or Redis does not tell. */
export const usedScript = `
local function used()
  local info = redis.pcall('INFO', 'memory')
  if type(info) ~= 'string' then return 0 end
  local most = tonumber(info:match('\\nmaxmemory:(%d+)') or '0')
  return most > 0 and tonumber(info:match('used_memory:(%d+)')) / most or 0
end
`

/** That share, from 0. */
export const shareInUse = async (redis: Redis): Promise<number> =>
  Number(await redis.eval(`${usedScript} return tostring(used())`, 0))

/** How many builds may wait before no further push is planned. */
const mostBuilds = 10_000

const isFree = `${usedScript}
local waiting = redis.call('ZCARD', KEYS[1]) + redis.call('ZCARD', KEYS[2])
return (waiting < tonumber(ARGV[1]) and used() < tonumber(ARGV[2])) and 1 or 0
`

/** Resolves when there is room for the builds of a push. Rejects with the signal's reason when it is aborted. */
export async function roomForBuilds(
  redis: Redis,
  queue: string,
  signal: AbortSignal,
): Promise<void> {
  const lists = [key(queue, 'prioritized'), key(queue, 'delayed')]
  while ((await redis.eval(isFree, 2, ...lists, mostBuilds, room.plans)) !== 1) {
    await sleep(1_000, undefined, { signal })
  }
}
