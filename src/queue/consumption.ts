/** One look at a queue and at this process' worker of it. */
export interface Sight {
  /** Milliseconds on a clock that never goes back. */
  readonly at: number
  /** The job that is next in line and may be taken now; undefined: none, or the queue's bound is reached. */
  readonly next: string | undefined
  /** A job that is held by nobody any more: any worker takes it over, whether it has a free slot or not. */
  readonly abandoned: string | undefined
  /** This worker has a slot for another job. */
  readonly free: boolean
  /** How many jobs this worker has begun. */
  readonly started: number
}

/** What this worker should have done something about, seen again and again. */
export interface Owed {
  readonly what: string
  readonly since: number
  readonly seen: number
}

/**
 * What the worker owes after another look. That one job stays next in line tells a worker that has
 * stopped from one that is slower than the others: who shares the queue may take every job, but then the
 * line moves. A look that failed (undefined: Redis is away, or stores nothing) says nothing about the
 * worker, nor does a pause between looks that is longer than `gapMs`: the whole process was held up.
 * Either starts the time anew.
 */
export function owedAfter(
  before: Owed | undefined,
  sight: Sight | undefined,
  gapMs: number,
): Owed | undefined {
  const what = sight && owes(sight)
  if (!sight || what === undefined) return undefined
  const goesOn = before?.what === what && sight.at - before.seen <= gapMs
  return { what, since: goesOn ? before.since : sight.at, seen: sight.at }
}

/** Whether the worker has left undone for `patienceMs` what it owes. */
export const hasStopped = (owed: Owed | undefined, patienceMs: number): boolean =>
  owed !== undefined && owed.seen - owed.since >= patienceMs

function owes({ next, abandoned, free, started }: Sight): string | undefined {
  if (abandoned !== undefined) return `take over ${abandoned}`
  return free && next !== undefined ? `start ${next} after ${started} others` : undefined
}
