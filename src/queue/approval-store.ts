import type { Redis } from 'ioredis'
import type { RefStore } from '../builds/ports.ts'
import { parseRef, type Delivery, type PushEvent } from '../builds/push-event.ts'
import { key } from './redis.ts'

/** A commit of a pull request that waits for approval, and the delivery about it. */
export interface Unapproved {
  readonly sha: string
  readonly delivery: Delivery
}

/** How operators approve. */
export interface Approvals {
  /** `name`: `host/path` of the repository, whatever the case. */
  unapproved(name: string, number: number): Promise<Unapproved | undefined>
  /** Approves one commit of the pull request, in place of the one before. */
  approve(event: PushEvent, sha: string): Promise<void>
}

/** How long either is kept, in milliseconds: a pull request that rests for longer is looked at again. */
const keptMs = 90 * 24 * 3600 * 1000

const waitingKey = (name: string, number: number | string): string =>
  key('unapproved', name.toLowerCase(), String(number))

const approvedKey = ({ repository: { forge, id }, ref }: Pick<PushEvent, 'repository' | 'ref'>) =>
  key('approved', forge, id, ref)

/** Which commits of pull requests were approved, and which wait for it. */
export const createApprovalStore = (
  redis: Redis,
): Approvals & Pick<RefStore, 'approvedCommit' | 'awaitApproval'> => ({
  async approvedCommit(repository, ref) {
    return (await redis.get(approvedKey({ repository, ref }))) ?? undefined
  },

  async awaitApproval(delivery, sha) {
    const { repository, ref } = delivery.event
    const waiting: Unapproved = { sha, delivery }
    const place = waitingKey(`${repository.host}/${repository.path}`, parseRef(ref).name)
    await redis.set(place, JSON.stringify(waiting), 'PX', keptMs)
  },

  async unapproved(name, number) {
    const waiting = await redis.get(waitingKey(name, number))
    return waiting === null ? undefined : (JSON.parse(waiting) as Unapproved)
  },

  async approve(event, sha) {
    await redis.set(approvedKey(event), sha, 'PX', keptMs)
  },
})
