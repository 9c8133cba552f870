import type { Delivery, Repository } from '../builds/push-event.ts'
import type { Rules } from '../builds/rules.ts'
import { RetryLater } from '../errors.ts'
import type { SweepStore, SweptRepository } from '../queue/sweep-store.ts'
import type { createLook } from './look.ts'
import { nextLook } from './moved-refs.ts'
import { namedRepository, plainNames, type NamedRepository } from './names.ts'

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
  readonly rules: Rules
  /** The `match` of each entry of kanihook.yaml. */
  readonly matches: () => readonly string[]
  /** The host of each forge that is on, by its name. */
  readonly hosts: ReadonlyMap<string, string>
  /** Paths of a forge's repositories that there were deliveries of, in lower case. */
  readonly knownPaths: (forge: string) => Promise<readonly string[]>
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
 * Looks at every repository whose time has come: those that deliveries came of, and those that kanihook.yaml
 * names by their whole path. Each is looked at once in an interval, all of them spread over it. Safe to run
 * twice at once. Rejects where Redis fails, and at once when the signal aborts.
 */
export function createSweep(options: SweepOptions): (signal: AbortSignal) => Promise<void> {
  const { rules, hosts, look, store, intervalMs, graceMs, now, random = Math.random } = options
  const { journal } = options

  const isConfigured = (repository: Repository): boolean => rules.find(repository) !== undefined

  async function allNames(): Promise<string[]> {
    const known = [...hosts].map(async ([forge, host]) => {
      const paths = await options.knownPaths(forge)
      return paths.map((path) => `${host}/${path}`)
    })
    const names = [...plainNames(options.matches()), ...(await Promise.all(known)).flat()]
    return [...new Set(names)].filter((name) => {
      const repository = namedRepository(name, hosts)
      return repository !== undefined && isConfigured(repository)
    })
  }

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

  async function sweep(signal: AbortSignal): Promise<void> {
    const first = (name: string): [string, number] => [name, now() + intervalMs * random()]
    await store.add(new Map((await allNames()).map(first)))
    const due = (await store.due(now())).values()
    const some = Array.from({ length: atOnce }, async () => {
      for (const name of due) {
        if (signal.aborted) return
        await lookAt(name)
      }
    })
    await Promise.all(some)
  }

  return async (signal) => {
    const stopped = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason as Error)
      else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    await Promise.race([sweep(signal), stopped])
  }
}
