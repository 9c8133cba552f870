import type { Repository } from '../builds/push-event.ts'
import { PermanentError, RetryLater } from '../errors.ts'
import type { DeliveryLog, FailedDelivery } from '../forges/forge.ts'
import type { SweepStore } from '../queue/sweep-store.ts'

export interface RedeliveriesOptions {
  readonly logs: ReadonlyMap<string, DeliveryLog>
  /** Where kanihook takes a forge's webhooks. */
  readonly hookUrl: (forge: string) => string
  /** The repositories of a forge that are looked at. */
  readonly repositories: (forge: string) => Promise<readonly Repository[]>
  readonly store: Pick<SweepStore, 'claim' | 'hold' | 'isPaused' | 'pause'>
  readonly intervalMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to 1, as `Math.random`. */
  readonly random?: () => number
  readonly journal: RedeliveryJournal
}

export interface RedeliveryJournal {
  /** A forge was asked to send it again. */
  asked(forge: string, delivery: FailedDelivery, repository: Repository | undefined): void
  /** The log of the forge, or of a repository, cannot be read; or what it has is not sent again. */
  refused(forge: string, error: unknown, repository: Repository | undefined): void
}

const hour = 3_600_000

/** How long it is remembered that a delivery was asked for again: longer than a forge can send it. */
const onceMs = 8 * 24 * hour

/** A log that the login may not read, or a delivery that it may not ask for, is tried again after so long. */
const refusedMs = 24 * hour

/** How many are asked for with one look at a log. */
const mostAtOnce = 20

/** How many repositories' logs are looked at with one sweep: two requests each, of 5,000 an hour. */
const mostLogs = 2

/** A delivery may be sent again by whoever has noticed it meanwhile. */
const graceMs = 60_000

/**
 * Asks forges that do not send again by themselves for deliveries that failed, each of them once. What is sent
 * again comes as any webhook does.
 */
export function createRedeliveries(
  options: RedeliveriesOptions,
): (signal: AbortSignal) => Promise<void> {
  const { logs, hookUrl, repositories, store, intervalMs, now, random = Math.random } = options
  const { journal } = options

  async function ask(forge: string, log: DeliveryLog, repository?: Repository): Promise<void> {
    const name = `log:${forge}${repository ? `/${repository.path}` : ''}`
    try {
      const failed = await log.failed(hookUrl(forge), repository)
      let left = mostAtOnce
      for (const delivery of failed) {
        if (left === 0 || now() - delivery.at < graceMs) continue
        // Claimed first: twice is worse than not at all, for the sweep finds what it was about.
        const again = `again:${forge}:${delivery.id}`
        if (!(await store.claim(again, onceMs))) continue
        left -= 1
        const refusal = await resend(delivery)
        if (refusal === undefined) journal.asked(forge, delivery, repository)
        else {
          await store.hold(again, refusedMs)
          journal.refused(forge, refusal, repository)
        }
      }
    } catch (error) {
      if (error instanceof RetryLater && error.afterMs !== undefined) {
        await store.pause(forge, error.afterMs)
      } else if (error instanceof PermanentError) await store.hold(name, refusedMs)
      journal.refused(forge, error, repository)
    }
  }

  /** One log of the whole forge in an interval; of those of repositories a few with each sweep, each once an hour. */
  async function askForge(forge: string, log: DeliveryLog, signal: AbortSignal): Promise<void> {
    if (await store.isPaused(forge)) return
    if (log.of === 'forge') {
      if (await store.claim(`log:${forge}`, intervalMs)) await ask(forge, log)
      return
    }
    let left = mostLogs
    // In any order: where there are more than an hour has room for, each has its turn.
    const all = (await repositories(forge)).map((repository) => ({ repository, at: random() }))
    for (const { repository } of all.toSorted((a, b) => a.at - b.at)) {
      if (left === 0 || signal.aborted) return
      const name = `log:${forge}/${repository.path}`
      if (!(await store.claim(name, Math.max(intervalMs, hour)))) continue
      left -= 1
      await ask(forge, log, repository)
    }
  }

  return async (signal) => {
    for (const [forge, log] of logs) await askForge(forge, log, signal)
  }
}

/** The forge's refusal, which concerns this delivery alone: it may not keep it any more. Undefined: it sends it again. */
async function resend(delivery: FailedDelivery): Promise<PermanentError | undefined> {
  try {
    await delivery.resend()
    return undefined
  } catch (error) {
    if (error instanceof PermanentError) return error
    throw error
  }
}
