import type { RefRecord, RefStore } from '../builds/ports.ts'
import type { Delivery, Repository } from '../builds/push-event.ts'
import type { RepositoryRule } from '../builds/rules.ts'
import { PermanentError, RetryLater } from '../errors.ts'
import type { ForgeClient } from '../forges/forge.ts'
import type { RemoteRefs } from '../git/remote-refs.ts'
import type { OpenDeliveryQueue } from '../queue/deliveries.ts'
import { deliveryId } from '../webhooks/delivery-id.ts'
import { changedRefs, movedRefs, type Sighting } from './moved-refs.ts'

export interface LookOptions {
  readonly git: { refs(repository: Repository): Promise<RemoteRefs> }
  readonly refs: Pick<RefStore, 'ref' | 'knownRepositoryId'>
  readonly forges: ReadonlyMap<string, Pick<ForgeClient, 'find'>>
  readonly deliveries: Pick<OpenDeliveryQueue, 'accept' | 'unplanned'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long the delivery of a push may take, in milliseconds. */
  readonly graceMs: number
  /** How many pushes one look may find; the others are for the next one. */
  readonly most?: number
}

export interface Seen {
  readonly repository: Repository
  readonly sighting: Sighting
  readonly found: readonly Delivery[]
}

/**
 * Looks at a repository's refs once: what moved without a delivery becomes one, and is stored as those of
 * webhooks are. `known`: with an empty id where the forge was never asked who it is; `isSure`: it need not be
 * asked anew. Throws RetryLater and PermanentError; then nothing is remembered, and what was stored already is
 * stored once all the same.
 */
export function createLook(options: LookOptions) {
  const { git, refs, forges, deliveries, now, graceMs, most = 50 } = options

  return async function look(
    known: Repository,
    rule: RepositoryRule,
    seen: Sighting | undefined,
    isSure = known.id !== '',
  ): Promise<Seen> {
    const repository = isSure ? known : await identified(known)
    // Another repository of the same name has other refs.
    const before = known.id === repository.id ? seen : undefined
    const remote = await git.refs(repository)
    const { heads, defaultBranch } = remote
    const isWanted = (ref: string): boolean => rule.unwanted({ ref, defaultBranch }) === undefined
    const records = await recordsOf(repository, changedRefs({ heads, before }).filter(isWanted))
    const record = (ref: string): RefRecord => records.get(ref) ?? unseen
    const at = { heads, before, record, isWanted, now: now(), graceMs, most }
    const first = movedRefs({ ...at, isQueued: () => false })
    if (first.found.length === 0) return { repository, sighting: first.after, found: [] }

    // What has the name by now must be what had it then: git does not say.
    if ((await identified(repository)).id !== repository.id) {
      throw new RetryLater(`${repository.path} is another repository now`)
    }
    const isQueued = await queuedRefs(repository)
    const { found, after } = movedRefs({ ...at, isQueued })
    const made = found.map((ref) => deliveryOf(repository, ref, record(ref), remote))
    for (const delivery of made) await deliveries.accept(delivery)
    return { repository, sighting: after, found: made }
  }

  /** The repository as its forge has it. Throws PermanentError where it is not the one that was known by its name. */
  async function identified(named: Repository): Promise<Repository> {
    const { host, path } = named
    const found = await forges.get(named.forge)?.find({ ...named, id: '' })
    if (!found) throw new PermanentError(`${host}/${path} is not there for kanihook's login`)
    const repository = { ...named, ...found }
    const id = await refs.knownRepositoryId(repository)
    if (id === repository.id) return repository
    throw new PermanentError(
      `${path} was repository ${id} and is now ${repository.id}: refused until an operator trusts it`,
    )
  }

  async function recordsOf(
    repository: Repository,
    wanted: readonly string[],
  ): Promise<ReadonlyMap<string, RefRecord>> {
    const all = wanted.map(async (ref) => [ref, await refs.ref(repository, ref)] as const)
    return new Map(await Promise.all(all))
  }

  /** Refs whose deliveries are there and wait: for git, say. */
  async function queuedRefs({ forge, id }: Repository): Promise<(ref: string) => boolean> {
    const waiting = await deliveries.unplanned()
    if (!waiting) return () => true
    const own = waiting.filter(
      ({ event: { repository } }) => repository.forge === forge && repository.id === id,
    )
    const queued = new Set(own.map(({ event }) => event.ref))
    return (ref) => queued.has(ref)
  }

  /** The delivery that did not come. Its id is the same until the record of the ref changes. */
  function deliveryOf(
    repository: Repository,
    ref: string,
    { generation, head: recorded }: RefRecord,
    { heads, defaultBranch }: RemoteRefs,
  ): Delivery {
    const head = heads.get(ref)
    const nothing = '0'.repeat((head?.commit ?? recorded)?.length ?? 40)
    const after = head?.object ?? nothing
    const identity = JSON.stringify(['sweep', repository.id, ref, generation, after])
    return {
      id: deliveryId(repository.forge, identity),
      forgeId: undefined,
      receivedAt: now(),
      foundBy: 'sweep',
      event: { repository, ref, before: recorded ?? nothing, after, forced: false, defaultBranch },
    }
  }
}

const unseen: RefRecord = { generation: 0, head: undefined, baseline: false }
