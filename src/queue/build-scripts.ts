import { beganScript } from './fair-line.ts'

/**
 * The steps on a build's record that must be atomic, in Lua. A record is a hash of flat fields:
 * `plan`, `outcome` and `stop` are JSON that Lua only passes on; `tags` are the keys of sets with the builds that
 * push a tag and have not ended, in the order in which they were made; `owner` and `place` are for the queue.
 *
 * `running` are the builds of a repository that have started, `held` those that wait until fewer do. Both are only
 * where to look: whether one counts is seen from its record and its entry in the queue.
 *
 * Every script ends a build by the same few lines, so a build cannot end in part.
 */
const end = `
local function finish(build, lane, running, held, id, state, outcome, now, retention)
  redis.call('HSET', build, 'state', state, 'outcome', outcome, 'endedAt', now)
  redis.call('ZREM', lane, id)
  redis.call('SREM', running, id)
  redis.call('ZREM', held, id)
  for _, tag in ipairs(cjson.decode(redis.call('HGET', build, 'tags') or '[]')) do
    redis.call('ZREM', tag, id)
  end
  redis.call('PEXPIRE', build, retention)
end
local function active(build)
  local state = redis.call('HGET', build, 'state')
  return state == 'waiting' or state == 'starting' or state == 'running', state
end
`

/**
 * KEYS: build, lane, running, held, index, contributors, ref.
 * ARGV: id, plan, now, score, replaces ('1' for branches), state, outcome, retention, field of the
 *       contributors, prefix of build keys, stop request and outcome of those that it replaces, channel of stops,
 *       '0' for a push that could not be planned, generation, keys of its tags, owner, prefix of entries.
 * It takes over the place of one that it replaces and that waits: a branch that is busy loses no turn by it.
 * 'stale': the ref has moved on since the plan was made.
 * Returns [created, id of each build that was ended or asked to stop…].
 */
export const createBuild = `${end}
local build, lane, running, held, index, contributors, gitRef = unpack(KEYS)
local id, plan, now, score, replaces, state, outcome, retention, field, builds, stop, superseded, stops, planned, generation, tags, owner, entries = unpack(ARGV)
if redis.call('EXISTS', build) == 1 then return {'0'} end
local current = redis.call('HGET', gitRef, 'generation')
if planned == '1' and current and current ~= generation then return {'stale'} end
redis.call('HSET', build, 'plan', plan, 'state', 'waiting', 'createdAt', now, 'tries', '0', 'owner', owner, 'step.' .. now .. '.queued', '')
redis.call('ZADD', index, now, id)
redis.call('ZREMRANGEBYSCORE', index, '-inf', now - retention)
-- A push that could not be planned does not take the place of a build.
redis.call(planned == '1' and 'HSET' or 'HSETNX', contributors, field, id)
-- Longer than the longest build, which ends after this.
redis.call('PEXPIRE', contributors, retention + 31 * 24 * 3600 * 1000)
local changed = {'1'}
if outcome ~= '' then
  finish(build, lane, running, held, id, state, outcome, now, retention)
  return changed
end
if replaces == '1' then
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', lane, '-inf', '(' .. score)) do
    local older = builds .. other
    local alive, present = active(older)
    if not alive then
      redis.call('ZREM', lane, other)
    elseif present == 'waiting' then
      local place = redis.call('HGET', entries .. other, 'priority') or '0'
      local mine = redis.call('HGET', build, 'place')
      if place ~= '0' and (not mine or tonumber(place) < tonumber(mine)) then
        redis.call('HSET', build, 'place', place)
      end
      finish(older, lane, running, held, other, 'superseded', superseded, now, retention)
      redis.call('HSET', build, 'protected', '1')
      table.insert(changed, other)
    elseif redis.call('HGET', older, 'protected') ~= '1' then
      redis.call('HSET', build, 'protected', '1')
      if redis.call('HSETNX', older, 'stop', stop) == 1 then
        redis.call('PUBLISH', stops, other)
        table.insert(changed, other)
      end
    end
  end
end
redis.call('ZADD', lane, score, id)
redis.call('HSET', build, 'tags', tags)
for _, tag in ipairs(cjson.decode(tags)) do
  local last = redis.call('ZREVRANGE', tag, 0, 0, 'WITHSCORES')[2] or '0'
  redis.call('ZADD', tag, tonumber(last) + 1, id)
end
return changed
`

/**
 * Has a build start where its repository runs fewer than it may, counting those that were held before it. A build
 * counts as long as its record says that it has not ended and the queue has an entry of it, which somebody then
 * has or will have: what neither says is nobody's any more.
 *
 * KEYS: build, running, held, entry, tag begun last in the queue. ARGV: id, limit (0: none), prefix of build keys,
 * prefix of entries. Returns 'ended', 'started', or how many are held before it.
 */
export const startBuild = `${end}${beganScript}
local build, running, held, entry, last = unpack(KEYS)
local id, limit, builds, entries = unpack(ARGV)
limit = tonumber(limit)
if not active(build) then return 'ended' end
local tag = redis.call('HGET', entry, 'priority')

local function isQueued(other) return redis.call('EXISTS', entries .. other) == 1 end
local function count()
  local found = 0
  for _, other in ipairs(redis.call('SMEMBERS', running)) do
    if not active(builds .. other) then
      redis.call('SREM', running, other)
    elseif isQueued(other) then
      found = found + 1
    end
  end
  return found
end
if limit > 0 and redis.call('SISMEMBER', running, id) == 0 then
  redis.call('ZADD', held, tag or '0', id)
  local free = limit - count()
  local before = 0
  for _, other in ipairs(redis.call('ZRANGE', held, 0, -1)) do
    if other == id then break end
    local alive, state = active(builds .. other)
    if not alive or state ~= 'waiting' then
      redis.call('ZREM', held, other)
    elseif isQueued(other) then
      before = before + 1
    end
  end
  if before >= free then return tostring(before) end
end
redis.call('ZREM', held, id)
redis.call('SADD', running, id)
began(last, tag)
-- Put off or handed over it comes before all that wait.
if tag then redis.call('HSET', entry, 'priority', 0) end
return 'started'
`

/** KEYS: build, running. ARGV: id, state (empty: as it is), then (field, value)… */
export const updateBuild = `${end}
local build, running = unpack(KEYS)
local id, state = unpack(ARGV)
if not active(build) then return end
if state == 'starting' then redis.call('SADD', running, id) end
if state ~= '' then redis.call('HSET', build, 'state', state) end
for i = 3, #ARGV, 2 do redis.call('HSET', build, ARGV[i], ARGV[i + 1]) end
`

/** KEYS: build, lane, running, held, successes. ARGV: id, state, outcome, now, retention, lane's field, sha. */
export const endBuild = `${end}
local build, lane, running, held, successes = unpack(KEYS)
local id, state, outcome, now, retention, field, sha = unpack(ARGV)
if not active(build) then return 0 end
finish(build, lane, running, held, id, state, outcome, now, retention)
if state == 'succeeded' then redis.call('HSET', successes, field, sha) end
return 1
`

/** KEYS: build, lane, running, held. ARGV: id, stop, state, outcome, now, retention, channel. */
export const stopBuild = `${end}
local build, lane, running, held = unpack(KEYS)
local id, stop, state, outcome, now, retention, stops = unpack(ARGV)
local alive, present = active(build)
if not alive then return 0 end
if present == 'waiting' then
  finish(build, lane, running, held, id, state, outcome, now, retention)
  return 1
end
redis.call('HSETNX', build, 'stop', stop)
redis.call('PUBLISH', stops, id)
return 1
`
