import type { Delivery, Repository } from '../builds/push-event.ts'
import { RetryLater } from '../errors.ts'
import type { SweepStore, SweptRepository } from '../queue/sweep-store.ts'
import type { createLook } from './look.ts'
import { nextLook } from './moved-refs.ts'
import {
  namedRepository,
  sweptRepositories,
  type NamedRepository,
  type NamesOptions,
} from './names.ts'

/** What a sweep tells of. */
export interface SweepJournal {
  looked(repository: Repository, seconds: number): void
  /** `failures`: how many there were in a row, this one included. */
  failed(repository: NamedRepository, failure: SweepFailure, seconds: number): void
  found(delivery: Delivery): void
}

export interface SweepFailure {
  readonly error: unknown
  readonly failures: number
  /** Milliseconds since the epoch. */
  readonly nextAt: number
}

export interface SweepOptions {
  readonly names: NamesOptions
  readonly look: ReturnType<typeof createLook>
  readonly store: SweepStore
  readonly intervalMs: number
  readonly graceMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to 1, as `Math.random`. */
  readonly random?: () => number
  readonly journal: SweepJournal
}

/** How many repositories are looked at side by side. */
const atOnce = 4

/** A repository that cannot be looked at is looked at more and more seldom, down to this. */
const longestMs = 6 * 3_600_000

/**
 * Looks at every repository whose time has come. Each is looked at once in an interval, all of them spread over
 * it. Safe to run twice at once. Rejects where Redis fails; begins no look after the signal has aborted.
 */
export function createSweep(options: SweepOptions): (signal: AbortSignal) => Promise<void> {
  const { names, look, store, intervalMs, graceMs, now, random = Math.random, journal } = options
  const { rules, hosts } = names

  async function lookAt(name: string): Promise<void> {
    const named = namedRepository(name, hosts)
    const rule = named && rules.find(named)
    // Its forge or its entry is not there any more.
    if (!rule) return store.forget(name)
    if (await store.isPaused(named.forge)) return
    const before = await store.get(name)
    const started = now()
    const seconds = (): number => (now() - started) / 1000
    try {
      const known = before.repository ?? named
      const isSure = known.id !== '' && before.failures === 0
      const seen = await look(known, rule, before.sighting, isSure)
      const { repository, sighting, found } = seen
      await store.keep(name, { repository, sighting, failures: 0 }, nextTime(sighting))
      journal.looked(repository, seconds())
      for (const delivery of found) journal.found(delivery)
    } catch (error) {
      const failure = await putOff(name, named, before, error)
      journal.failed(named, failure, seconds())
    }
  }

  function nextTime(sighting: NonNullable<SweptRepository['sighting']>): number {
    const ordinary = now() + intervalMs * (0.8 + 0.2 * random())
    return Math.min(ordinary, nextLook(sighting, graceMs) ?? Infinity)
  }

  async function putOff(
    name: string,
    { forge }: NamedRepository,
    before: SweptRepository,
    error: unknown,
  ): Promise<SweepFailure> {
    const failures = before.failures + 1
    const longest = Math.max(intervalMs, longestMs)
    const waitMs = Math.min(intervalMs * 2 ** Math.min(failures - 1, 20), longest)
    const pauseMs = error instanceof RetryLater ? error.afterMs : undefined
    // A limit is the forge's, not the repository's.
    if (pauseMs !== undefined) await store.pause(forge, pauseMs)
    const nextAt = now() + Math.max(waitMs, pauseMs ?? 0)
    await store.keep(name, { ...before, failures }, nextAt)
    return { error, failures, nextAt }
  }

  return async (signal) => {
    const first = (name: string): [string, number] => [name, now() + intervalMs * random()]
    const all = await sweptRepositories(names)
    await store.add(new Map([...all.keys()].map(first)))
    const due = (await store.due(now())).values()
    const some = Array.from({ length: atOnce }, async () => {
      for (const name of due) {
        if (signal.aborted) return
        await lookAt(name)
      }
    })
    await Promise.all(some)
  }
}
