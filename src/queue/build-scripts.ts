/**
 * The steps on a build's record that must be atomic, in Lua. A record is a hash of flat fields:
 * `plan`, `outcome` and `stop` are JSON that Lua only passes on; `tags` are the keys of sets with the builds that
 * push a tag and have not ended, in the order in which they were made.
 *
 * Every script ends a build by the same few lines, so a build cannot end in part.
 */
const end = `
local function finish(build, lane, running, id, state, outcome, now, retention)
  redis.call('HSET', build, 'state', state, 'outcome', outcome, 'endedAt', now)
  redis.call('ZREM', lane, id)
  redis.call('SREM', running, id)
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
 * KEYS: build, lane, running, index, contributors, ref.
 * ARGV: id, plan, now, score, replaces ('1' for branches), state, outcome, retention, field of the
 *       contributors, prefix of build keys, stop request and outcome of those that it replaces, channel of stops,
 *       '0' for a push that could not be planned, generation, keys of its tags.
 * 'stale': the ref has moved on since the plan was made.
 * Returns [created, id of each build that was ended or asked to stop…].
 */
export const createBuild = `${end}
local build, lane, running, index, contributors, gitRef = unpack(KEYS)
local id, plan, now, score, replaces, state, outcome, retention, field, builds, stop, superseded, stops, planned, generation, tags = unpack(ARGV)
if redis.call('EXISTS', build) == 1 then return {'0'} end
local current = redis.call('HGET', gitRef, 'generation')
if planned == '1' and current and current ~= generation then return {'stale'} end
redis.call('HSET', build, 'plan', plan, 'state', 'waiting', 'createdAt', now, 'tries', '0', 'step.' .. now .. '.queued', '')
redis.call('ZADD', index, now, id)
redis.call('ZREMRANGEBYSCORE', index, '-inf', now - retention)
-- A push that could not be planned does not take the place of a build.
redis.call(planned == '1' and 'HSET' or 'HSETNX', contributors, field, id)
-- Longer than the longest build, which ends after this.
redis.call('PEXPIRE', contributors, retention + 31 * 24 * 3600 * 1000)
local changed = {'1'}
if outcome ~= '' then
  finish(build, lane, running, id, state, outcome, now, retention)
  return changed
end
if replaces == '1' then
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', lane, '-inf', '(' .. score)) do
    local older = builds .. other
    local alive, present = active(older)
    if not alive then
      redis.call('ZREM', lane, other)
    elseif present == 'waiting' then
      finish(older, lane, running, other, 'superseded', superseded, now, retention)
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
 * KEYS: build, running. ARGV: id, state (empty: as it is), limit of running builds (0: none), then
 * (field, value)… Returns 'full' where the repository runs as many as it may.
 */
export const updateBuild = `${end}
local build, running = unpack(KEYS)
local id, state, limit = unpack(ARGV)
if not active(build) then return 'ended' end
if state == 'starting' then
  if tonumber(limit) > 0 and redis.call('SISMEMBER', running, id) == 0 and redis.call('SCARD', running) >= tonumber(limit) then
    return 'full'
  end
  redis.call('SADD', running, id)
end
if state ~= '' then redis.call('HSET', build, 'state', state) end
for i = 4, #ARGV, 2 do redis.call('HSET', build, ARGV[i], ARGV[i + 1]) end
return 'ok'
`

/** KEYS: build, lane, running, successes. ARGV: id, state, outcome, now, retention, lane's field, sha. */
export const endBuild = `${end}
local build, lane, running, successes = unpack(KEYS)
local id, state, outcome, now, retention, field, sha = unpack(ARGV)
if not active(build) then return 0 end
finish(build, lane, running, id, state, outcome, now, retention)
if state == 'succeeded' then redis.call('HSET', successes, field, sha) end
return 1
`

/** KEYS: build, lane, running. ARGV: id, stop, state, outcome, now, retention, channel. */
export const stopBuild = `${end}
local build, lane, running = unpack(KEYS)
local id, stop, state, outcome, now, retention, stops = unpack(ARGV)
local alive, present = active(build)
if not alive then return 0 end
if present == 'waiting' then
  finish(build, lane, running, id, state, outcome, now, retention)
  return 1
end
redis.call('HSETNX', build, 'stop', stop)
redis.call('PUBLISH', stops, id)
return 1
`
