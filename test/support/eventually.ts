import { setTimeout as sleep } from 'node:timers/promises'

export interface EventuallyOptions {
  /** Milliseconds until it is given up. */
  readonly within?: number
  /** Milliseconds between two looks. */
  readonly every?: number
  /** What is waited for, for the error. */
  readonly what?: string
}

/**
 * Waits until `look` returns something other than undefined or false and returns it. A look that
 * throws counts as not yet; its error is told when time is up.
 */
export async function eventually<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { within = 10_000, every = 20, what = look.toString() }: EventuallyOptions = {},
): Promise<T> {
  const end = Date.now() + within
  let cause: unknown
  do {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
      cause = undefined
    } catch (error) {
      cause = error
    }
    await sleep(every)
  } while (Date.now() < end)
  throw new Error(`not within ${within} ms: ${what}`, { cause })
}
