import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  /** Milliseconds. */
  readonly timeoutMs?: number
  /** Milliseconds between two looks. */
  readonly everyMs?: number
}

/**
 * Looks until the condition holds, and fails with the condition's last error. A condition that throws
 * does not hold yet; one that throws `Hopeless` never will.
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 60_000, everyMs = 100 }: WaitOptions = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let cause: unknown
  do {
    try {
      if (await condition()) return
      cause = undefined
    } catch (error) {
      if (error instanceof Hopeless) throw error
      cause = error
    }
    await delay(everyMs)
  } while (Date.now() < deadline)
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}${reason}`, { cause })
}

/** What is waited for can no longer happen. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless'
}

/** Waits for all before it fails with the first failure, so that none goes on unseen. */
export const all: typeof Promise.all = async (work: Iterable<unknown>) => {
  await Promise.allSettled(work)
  return await Promise.all(work)
}
