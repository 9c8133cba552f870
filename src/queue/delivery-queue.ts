import type { Delivery } from '../builds/push-event.ts'

/** What the planner made of a delivery, for `/api/deliveries/{id}`. */
export interface DeliveryDecision {
  readonly decision: 'planned' | 'ignored' | 'failed'
  /** A sentence: why it built, or did not. */
  readonly reason: string
  /** Ids of the builds of this ref and generation. */
  readonly builds: readonly string[]
}

export interface DeliveryRecord {
  readonly delivery: Delivery
  readonly state: 'queued' | 'planning' | 'planned' | 'ignored' | 'failed'
  readonly reason: string | undefined
  readonly builds: readonly string[]
}

/** Where the receiver puts deliveries, and where anyone can ask about them. */
export interface DeliveryQueue {
  /**
   * Stores and enqueues in one step; resolved means stored. `duplicate`: it was already there. A
   * redelivery of one whose plan failed or built nothing is planned again. Rejects within 2 s when
   * Redis cannot store it, with RetryLater where too many wait already or Redis is nearly full.
   */
  accept(delivery: Delivery): Promise<'accepted' | 'duplicate'>
  /** Remembers for a while why a delivery was not wanted. Best effort: a failure is no error. */
  remember(delivery: Delivery, reason: string): Promise<void>
  get(id: string): Promise<DeliveryRecord | undefined>
}
