import type { Delivery } from '../builds/push-event.ts'
import type { Rules } from '../builds/rules.ts'
import { DeliveryRejected } from '../errors.ts'
import type { WebhookMessage } from '../forges/forge.ts'
import type { DeliveryQueue } from '../queue/delivery-queue.ts'
import { decide } from './decide.ts'
import { deliveryId } from './delivery-id.ts'
import { createTurns } from './turns.ts'

/** What became of a verified message, and what its sender is told. */
export interface Taken {
  /** 202 for a push, a pull request's included; 200 for what is none. */
  readonly status: 200 | 202
  readonly event: string
  /** Undefined where the message was no push. */
  readonly delivery: Delivery | undefined
  readonly decision: 'accepted' | 'duplicate' | 'ignored'
  readonly reason: string | undefined
}

/** A sender is answered within 2 s where Redis does not store, however many commands that takes. Milliseconds. */
const storeMs = 1_800

/** In a burst that Redis does store, a sender is told of it while it still listens: GitHub hangs up after 10 s. */
const turnMs = 8_000

/** Enough to share Redis' round trips, and few beside what comes in a burst. */
const turnsAtOnce = 64

export interface IntakeOptions {
  readonly rules: Rules
  readonly queue: Pick<DeliveryQueue, 'accept' | 'remember'>
}

/**
 * Takes a verified message: stores a push that is wanted. Throws DeliveryRejected 503, with its
 * cause, where it cannot be stored.
 */
export function createIntake({
  rules,
  queue,
}: IntakeOptions): (forge: string, message: WebhookMessage, receivedAt: number) => Promise<Taken> {
  const inTurn = createTurns(turnsAtOnce)

  /** When Redis was last too slow for one, by `performance.now()`. */
  let slowAt = -Infinity

  /** Those that wait for their turn while Redis is too slow for another are not kept waiting for the same. */
  function store<T>(work: () => Promise<T>): Promise<T> {
    const since = performance.now()
    return inTurn(async () => {
      if (slowAt > since || performance.now() - since > turnMs) throw new Error(tooSlow)
      return within(storeMs, work(), () => (slowAt = performance.now()))
    })
  }

  return async function intake(forge, message, receivedAt) {
    if (message.kind === 'ping') return noPush('ping', 'ping: kanihook hears this forge')
    if (message.kind === 'other') {
      const event = message.event.slice(0, 64)
      return noPush(event, `kanihook does not act on the event ${event}`)
    }

    const { identity, forgeId, event } = message
    const delivery: Delivery = { id: deliveryId(forge, identity), forgeId, receivedAt, event }
    const name = event.pullRequest ? 'pull request' : 'push'
    const push = { status: 202, event: name, delivery } as const
    const verdict = decide(event, rules)
    if (verdict.wanted) {
      const decision = await store(() => queue.accept(delivery)).catch(cannotStore)
      return { ...push, decision, reason: undefined }
    }
    // Only for those who ask later why nothing was built: the answer stands without it.
    await store(() => queue.remember(delivery, verdict.reason)).catch(() => undefined)
    return { ...push, decision: 'ignored', reason: verdict.reason }
  }
}

function cannotStore(cause: unknown): never {
  const rejected = new DeliveryRejected(503, 'the delivery cannot be stored now; send it again')
  rejected.cause = cause
  throw rejected
}

const tooSlow = 'Redis takes too long'

/** What comes of it later is not waited for: a try that is repeated finds what this one stored. */
async function within<T>(ms: number, work: Promise<T>, isLate: () => void): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    isLate()
    reject(new Error(tooSlow))
  }, ms)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const noPush = (event: string, reason: string): Taken => ({
  status: 200,
  event,
  delivery: undefined,
  decision: 'ignored',
  reason,
})
