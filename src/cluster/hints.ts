import type { V1Pod } from '@kubernetes/client-node'

/**
 * Tells those who look at a Job when to look again. A Job is listened for from its first `look` to
 * its `forget`, so that a change between a look and the wait after it is not missed.
 */
export interface Hints {
  /** To be called before the Job is read. */
  look(job: string): void
  /** Something about the Job, or about any Job, may have changed. `pod`: as it is now, or was when it went. */
  tell(job: string, pod?: V1Pod): void
  tellAll(): void
  /** Resolves at the first change since the last look, after `ms` milliseconds, or on abort. */
  wait(job: string, ms: number, signal: AbortSignal): Promise<void>
  /** Passes on every pod of the Job that is told of, until what it returns is called. */
  pods(job: string, pass: (pod: V1Pod) => void): () => void
  /** The Job has ended or is gone: nobody will look again. */
  forget(job: string): void
}

interface Interest {
  stale: boolean
  readonly waiting: Set<() => void>
  readonly passing: Set<(pod: V1Pod) => void>
}

export function createHints(): Hints {
  const interests = new Map<string, Interest>()

  const interest = (job: string): Interest => {
    const known = interests.get(job) ?? { stale: false, waiting: new Set(), passing: new Set() }
    interests.set(job, known)
    return known
  }
  const stir = (known: Interest): void => {
    known.stale = true
    for (const wake of known.waiting) wake()
  }

  return {
    look(job) {
      interest(job).stale = false
    },
    tell(job, pod) {
      const known = interests.get(job)
      if (!known) return
      if (pod) for (const pass of known.passing) pass(pod)
      stir(known)
    },
    tellAll() {
      for (const known of interests.values()) stir(known)
    },
    async wait(job, ms, signal) {
      const known = interest(job)
      if (known.stale || signal.aborted) return
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          known.waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        signal.addEventListener('abort', wake, { once: true })
        known.waiting.add(wake)
      })
    },
    pods(job, pass) {
      const { passing } = interest(job)
      passing.add(pass)
      return () => passing.delete(pass)
    },
    forget(job) {
      const known = interests.get(job)
      if (known?.waiting.size === 0 && known.passing.size === 0) interests.delete(job)
    },
  }
}
