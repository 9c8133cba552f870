import type { Logger } from 'pino'
import { DeliveryRejected, RetryLater } from '../errors.ts'
import type { Taken } from './intake.ts'
import { SenderGone } from './read-body.ts'
import type { Refusal } from './refusal.ts'

export type WebhookDecision = Taken['decision'] | 'rejected' | 'unavailable' | 'overloaded' | 'gone'

export interface ReceiverMetrics {
  /** One webhook request, a POST, has ended, `seconds` after its headers had come. */
  delivery(forge: string, decision: WebhookDecision, seconds: number): void
}

/**
 * One line and one count per webhook request; a wrong method is no delivery, but a look at the address: it is not
 * counted, and only told where somebody wants to know. The fields are named one by one: forges send secrets
 * in headers and people put them into bodies, so neither is ever logged.
 */
export function createJournal(logger: Logger, metrics: ReceiverMetrics | undefined) {
  const count = (forge: string, decision: WebhookDecision, startedAt: number): number => {
    const ms = performance.now() - startedAt
    metrics?.delivery(forge, decision, ms / 1000)
    return Math.round(ms * 10) / 10
  }
  return {
    /** `startedAt`, here and below, is `performance.now()` at the request's start. */
    taken(forge: string, taken: Taken, startedAt: number): void {
      const { event, decision, reason } = taken
      const { id: delivery, forgeId, event: push } = taken.delivery ?? {}
      const repository = push && `${push.repository.host}/${push.repository.path}`
      const about = {
        forge,
        delivery,
        forgeId,
        event,
        repository,
        ref: push?.ref,
        after: push?.after,
      }
      logger.info({ ...about, decision, reason, ms: count(forge, decision, startedAt) }, 'webhook')
    },
    refused(forge: string, error: unknown, { status, body }: Refusal, startedAt: number): void {
      if (status === 405) {
        logger.debug({ forge, status, error: body.error }, 'webhook')
        return
      }
      const decision = decisionOf(error)
      const ms = count(forge, decision, startedAt)
      const line = { forge, decision, status, error: body.error, ms }
      // What stood in the way of storing a delivery, or who signed what is another's; else there is no cause.
      const cause = causeOf(error)
      if (status === 500) logger.error({ ...line, err: error }, 'webhook')
      else if (cause !== undefined) {
        logger[status === 503 ? 'error' : 'warn']({ ...line, cause }, 'webhook')
      } else logger.info(line, 'webhook')
    },
  }
}

function decisionOf(error: unknown): WebhookDecision {
  if (error instanceof SenderGone) return 'gone'
  if (error instanceof Error && error.cause instanceof RetryLater) return 'overloaded'
  const ours = !(error instanceof DeliveryRejected) || error.status === 503
  return ours ? 'unavailable' : 'rejected'
}

const causeOf = (error: unknown): string | undefined =>
  error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined
