import { RetryLater } from '../errors.ts'
import type { GitRemote, RefHead, RefRecord, RefStore } from './ports.ts'
import { isZero, type Delivery, type PushEvent } from './push-event.ts'

export interface HeadsOptions {
  readonly git: Pick<GitRemote, 'head'>
  readonly refs: Pick<RefStore, 'ref' | 'recordHead'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For how long after a push a head equal to the push's `before` is not believed. */
  readonly staleReadMs: number
}

/** What a ref points at, and the record of it that is in force. */
export interface RecordedHead {
  readonly head: RefHead | undefined
  readonly record: RefRecord
}

/** Heads of refs: what git says, recorded. Throws RetryLater to be asked again. */
export interface Heads {
  /** Whether a forge may still show what it did before the push. */
  isFresh(delivery: Delivery): boolean
  /** What git says now. */
  current(delivery: Delivery): Promise<RecordedHead>
  /** A pull request that is closed is as a branch that is gone, but for its ref, which forges keep. */
  gone(event: PushEvent): Promise<RecordedHead>
}

export function createHeads({ git, refs, now, staleReadMs }: HeadsOptions): Heads {
  const isFresh = ({ receivedAt }: Delivery): boolean => now() - receivedAt < staleReadMs

  /** Asks and records the answer, until nobody else recorded another one in between. */
  async function recorded(
    { repository, ref, after }: PushEvent,
    ask: () => Promise<RefHead | undefined>,
  ): Promise<RecordedHead> {
    for (let round = 0; round < 10; round++) {
      const seen = await refs.ref(repository, ref)
      const head = await ask()
      const record = await refs.recordHead(repository, ref, head?.commit, {
        seen: seen.generation,
        baseline: head !== undefined && ![head.commit, head.object].includes(after),
      })
      if (record) return { head, record }
    }
    throw new RetryLater(`${ref} changes faster than it can be read`, { afterMs: 1000 })
  }

  return {
    isFresh,

    current: (delivery: Delivery): Promise<RecordedHead> =>
      recorded(delivery.event, async () => {
        const { event } = delivery
        const head = await git.head(event.repository, event.ref)
        if (isStale(event, head) && isFresh(delivery)) {
          const reason = `${event.ref} still points at what it did before the push`
          throw new RetryLater(reason, { afterMs: 500 })
        }
        return head
      }),

    gone: (event: PushEvent): Promise<RecordedHead> => recorded(event, async () => undefined),
  }
}

/** Whether git answered with what the push says was there before it. */
function isStale(event: PushEvent, head: RefHead | undefined): boolean {
  if (event.before === event.after) return false
  return head
    ? [head.commit, head.object].includes(event.before)
    : isZero(event.before) && !isZero(event.after)
}
