import type { Redis } from 'ioredis'
import type { TagClaim } from '../builds/build.ts'
import type { RefStore } from '../builds/ports.ts'
import { isPullRequest, type Repository } from '../builds/push-event.ts'
import { createApprovalStore, type Approvals } from './approval-store.ts'
import { key } from './redis.ts'

/** KEYS: ref. ARGV: head ('' where gone), seen generation, baseline. Returns [generation, baseline]. */
const recordHead = `
local ref = KEYS[1]
local head, seen, baseline = unpack(ARGV)
local generation = redis.call('HGET', ref, 'generation') or '0'
if generation ~= seen then return false end
if generation == '0' or redis.call('HGET', ref, 'head') ~= head then
  generation = tostring(tonumber(generation) + 1)
  redis.call('HSET', ref, 'generation', generation, 'head', head, 'baseline', seen == '0' and baseline or '0')
end
return {generation, redis.call('HGET', ref, 'baseline')}
`

/** KEYS: ref. ARGV: generation, head. Returns the generation and head in force. */
const restoreHead = `
local ref = KEYS[1]
if not redis.call('HGET', ref, 'generation') then
  redis.call('HSET', ref, 'generation', ARGV[1], 'head', ARGV[2], 'baseline', '0')
end
return redis.call('HMGET', ref, 'generation', 'head')
`

/** KEYS: ref. ARGV: open, time. Returns whether the pull request is open by the latest that was said. */
const pullRequestOpen = `
local ref = KEYS[1]
local open, at = unpack(ARGV)
local told = redis.call('HGET', ref, 'toldAt')
if not told or tonumber(at) >= tonumber(told) then redis.call('HSET', ref, 'open', open, 'toldAt', at) end
return redis.call('HGET', ref, 'open')
`

/**
 * KEYS: tag, the tags of its ref. ARGV: the claim, what it expects to replace ('' where nothing), and
 * for tags of no ref how long the claim is kept.
 */
const replaceClaim = `
local present = redis.call('GET', KEYS[1]) or ''
if present ~= ARGV[2] then return present end
redis.call('SET', KEYS[1], ARGV[1])
if ARGV[3] ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
  redis.call('SADD', KEYS[2], KEYS[1])
end
return ''
`

/** KEYS: the tags of a ref. ARGV: repository, ref. */
const releaseTags = `
for _, tag in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local claim = redis.call('GET', tag)
  if claim then
    local owner = cjson.decode(claim)
    if owner.repositoryId == ARGV[1] and owner.ref == ARGV[2] then redis.call('DEL', tag) end
  end
end
redis.call('DEL', KEYS[1])
`

/** How long a tag that derives from no ref, such as a commit's, stays its image's, in milliseconds. */
const claimKeptMs = 30 * 24 * 3600 * 1000

export const refKey = ({ forge, id }: Repository, ref: string): string => key('ref', forge, id, ref)
const tagsKey = (repositoryId: string, ref: string): string => key('tags', repositoryId, ref)

/** Repositories whose names others have now, by `<forge>/<id>`. */
const heirsKey = key('heirs')

const nameKey = (forge: string): string => key('repositories', forge)

/** The paths of repositories by their ids. */
const pathKey = (forge: string): string => key('paths', forge)

/** Heads of refs, ids of repositories, and owners of tags in Redis. */
export function createRefStore(redis: Redis): RefStore &
  Approvals & {
    /** Paths of a forge's repositories that were ever planned for, in lower case. */
    knownPaths(forge: string): Promise<string[]>
    /**
     * An operator says that the repository of this path is now another one. False: the path was never
     * seen.
     */
    trust(repository: Pick<Repository, 'forge' | 'path' | 'id'>): Promise<boolean>
  } {
  return {
    ...createApprovalStore(redis),

    async ref(repository, ref) {
      const { generation, head, baseline } = await redis.hgetall(refKey(repository, ref))
      return {
        generation: Number(generation ?? 0),
        head: head || undefined,
        baseline: baseline === '1',
      }
    },

    async recordHead(repository, ref, head, { seen, baseline }) {
      const answer = (await redis.eval(
        recordHead,
        1,
        refKey(repository, ref),
        head ?? '',
        seen,
        baseline ? '1' : '0',
      )) as [string, string] | null
      return answer
        ? { generation: Number(answer[0]), head, baseline: answer[1] === '1' }
        : undefined
    },

    async restoreHead(repository, ref, { generation, head }) {
      const key = refKey(repository, ref)
      const answer = (await redis.eval(restoreHead, 1, key, generation, head)) as [string, string]
      return { generation: Number(answer[0]), head: answer[1] || undefined, baseline: false }
    },

    async pullRequestOpen(repository, ref, { open, at }) {
      const said = [open ? '1' : '0', at]
      return (await redis.eval(pullRequestOpen, 1, refKey(repository, ref), ...said)) === '1'
    },

    async knownRepositoryId({ forge, path, id }) {
      await redis.hsetnx(nameKey(forge), path.toLowerCase(), id)
      return (await redis.hget(nameKey(forge), path.toLowerCase())) ?? id
    },

    async knownRepositoryPath({ forge, path, id }) {
      await redis.hsetnx(pathKey(forge), id, path.toLowerCase())
      return (await redis.hget(pathKey(forge), id)) ?? path.toLowerCase()
    },

    async recordRepositoryPath({ forge, path, id }) {
      await redis.hset(pathKey(forge), id, path.toLowerCase())
    },

    knownPaths: (forge) => redis.hkeys(nameKey(forge)),

    async trust({ forge, path, id }) {
      const known = await redis.hget(nameKey(forge), path.toLowerCase())
      if (known === null) return false
      await redis.hset(nameKey(forge), path.toLowerCase(), id)
      await redis.hset(pathKey(forge), id, path.toLowerCase())
      // What the name owned it goes on owning.
      if (known !== id) await redis.hset(heirsKey, `${forge}/${known}`, `${forge}/${id}`)
      return true
    },

    async claimTag(claim, yields = () => false) {
      const tag = key('tag', claim.destination)
      const wanted = JSON.stringify(claim)
      const kept = claim.ref === '' ? `${claimKeptMs}` : ''
      for (let present = ''; ;) {
        const keys = [tag, tagsKey(claim.repositoryId, claim.ref)]
        const owner = (await redis.eval(replaceClaim, 2, ...keys, wanted, present, kept)) as string
        if (owner === '') return undefined
        const other = JSON.parse(owner) as TagClaim
        const heir = await redis.hget(heirsKey, other.repositoryId)
        const holder = heir === claim.repositoryId ? { ...other, repositoryId: heir } : other
        if (!mayReplace(holder, claim) && !yields(holder)) return other
        present = owner
      }
    },

    async releaseTags({ forge, id }, ref) {
      const repositoryId = `${forge}/${id}`
      await redis.eval(releaseTags, 1, tagsKey(repositoryId, ref), repositoryId, ref)
    },
  }
}

/**
 * A claim of the same image, for the same ref or a version that is not older. What a pull request has,
 * a branch or tag may take.
 */
function mayReplace(owner: TagClaim, claim: TagClaim): boolean {
  if (owner.repositoryId !== claim.repositoryId || owner.image !== claim.image) return false
  if (owner.version !== undefined && claim.version !== undefined) {
    // Releases of three numbers: `1.10.0` comes after `1.9.0`.
    return claim.version.localeCompare(owner.version, 'en', { numeric: true }) >= 0
  }
  return owner.ref === claim.ref || (isPullRequest(owner.ref) && !isPullRequest(claim.ref))
}
