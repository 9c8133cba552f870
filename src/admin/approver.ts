import { PermanentError } from '../errors.ts'
import type { Approvals } from '../queue/approval-store.ts'
import type { DeliveryQueue } from '../queue/delivery-queue.ts'
import { deliveryId } from '../webhooks/delivery-id.ts'
import type { AdminPullRequests } from './ports.ts'

export interface ApproverOptions {
  readonly refs: Approvals
  readonly deliveries: Pick<DeliveryQueue, 'accept'>
}

/**
 * Approves commits of pull requests: the event that was refused is planned again, by what git then says.
 * One that waits is named by its whole id, so that what was read is what is built.
 */
export const createApprover = ({ refs, deliveries }: ApproverOptions): AdminPullRequests => ({
  async approve({ repository, number, sha }) {
    const waiting = await refs.unapproved(repository, number)
    if (!waiting) {
      throw new PermanentError(
        `no pull request ${number} of ${repository} waits for approval: is it host/path, and does its entry say pullRequests: approved?`,
      )
    }
    if (waiting.sha !== sha) {
      throw new PermanentError(
        `pull request ${number} is at ${waiting.sha}: look at that commit, and approve it by its id`,
      )
    }
    const { id, event, forgeId } = waiting.delivery
    await refs.approve(event, sha)
    const again = {
      id: deliveryId(event.repository.forge, `approval of ${sha} after ${id}`),
      forgeId,
      receivedAt: Date.now(),
      event: { ...event, before: '0'.repeat(sha.length), after: sha },
    }
    await deliveries.accept(again)
    return again.id
  },
})
