import type { Redis } from 'ioredis'
import type { RefStore, TagClaim } from '../builds/ports.ts'
import type { Repository } from '../builds/push-event.ts'
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

/** KEYS: tag. ARGV: the claim, and what it expects to replace ('' where nothing). */
const replaceClaim = `
local present = redis.call('GET', KEYS[1]) or ''
if present ~= ARGV[2] then return present end
redis.call('SET', KEYS[1], ARGV[1])
return ''
`

const refKey = ({ forge, id }: Repository, ref: string): string => key('ref', forge, id, ref)
const nameKey = (forge: string): string => key('repositories', forge)

/** Heads of refs, ids of repositories, and owners of tags in Redis. */
export function createRefStore(redis: Redis): RefStore & {
  /**
   * An operator says that the repository of this path is now another one. False: the path was never
   * seen.
   */
  trust(repository: Pick<Repository, 'forge' | 'path' | 'id'>): Promise<boolean>
} {
  return {
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

    async knownRepositoryId({ forge, path, id }) {
      await redis.hsetnx(nameKey(forge), path.toLowerCase(), id)
      return (await redis.hget(nameKey(forge), path.toLowerCase())) ?? id
    },

    async trust({ forge, path, id }) {
      const seen = await redis.hexists(nameKey(forge), path.toLowerCase())
      if (seen) await redis.hset(nameKey(forge), path.toLowerCase(), id)
      return seen === 1
    },

    async claimTag(claim) {
      const tag = key('tag', claim.destination)
      const wanted = JSON.stringify(claim)
      for (let present = ''; ;) {
        const owner = (await redis.eval(replaceClaim, 1, tag, wanted, present)) as string
        if (owner === '' || owner === wanted) return undefined
        const other = JSON.parse(owner) as TagClaim
        if (!mayReplace(other, claim)) return other
        present = owner
      }
    },
  }
}

/** A claim of the same image, for the same ref or a version that is not older. */
function mayReplace(owner: TagClaim, claim: TagClaim): boolean {
  if (owner.repositoryId !== claim.repositoryId || owner.image !== claim.image) return false
  if (owner.version !== undefined && claim.version !== undefined) {
    // Releases of three numbers: `1.10.0` comes after `1.9.0`.
    return claim.version.localeCompare(owner.version, 'en', { numeric: true }) >= 0
  }
  return owner.ref === claim.ref
}
