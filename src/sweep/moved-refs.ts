import type { RefHead, RefRecord } from '../builds/ports.ts'

/** A ref that is not where its record is, while its delivery may still come. */
export interface Awaited {
  /** The beginning of the commit; empty: the ref is gone. */
  readonly at: string
  /** Since when it is there, as far as was seen, in milliseconds since the epoch. */
  readonly since: number
  /** Since when it moves without a delivery. */
  readonly first: number
}

/** What is remembered of a repository from one look to the next. */
export interface Sighting {
  /** Refs about which nothing is left to do, by the beginning of the commit that they point at. */
  readonly settled: Readonly<Record<string, string>>
  readonly awaited: Readonly<Record<string, Awaited>>
}

/** One look at all refs of a repository. */
export interface Look {
  readonly heads: ReadonlyMap<string, RefHead>
  /** Undefined: it was never looked at. */
  readonly before: Sighting | undefined
  readonly record: (ref: string) => RefRecord
  readonly isWanted: (ref: string) => boolean
  /** Whether a delivery about the ref waits for its plan. */
  readonly isQueued: (ref: string) => boolean
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How long a delivery may take. */
  readonly graceMs: number
  /** How many are found at once; the others are with the next look. */
  readonly most: number
}

export interface Decision {
  /** Refs that have moved, or are gone, and of which no delivery came. */
  readonly found: readonly string[]
  readonly after: Sighting
}

/** Enough to tell commits apart, in memory that is shared by everything. */
const mark = (commit: string | undefined): string => commit?.slice(0, 16) ?? ''

/** The refs that may have moved since the last look: only of these a record is needed. */
export function changedRefs({ heads, before }: Pick<Look, 'heads' | 'before'>): string[] {
  const settled = before?.settled ?? {}
  return [...new Set([...heads.keys(), ...Object.keys(settled)])].filter(
    (ref) => settled[ref] === undefined || settled[ref] !== mark(heads.get(ref)?.commit),
  )
}

/**
 * Which refs moved without a delivery. A ref without a record is a reason to build only where the look before
 * did not have it, or had it elsewhere: what was there at the first look is old. A ref that goes on moving is
 * found all the same after three times the grace.
 */
export function movedRefs(look: Look): Decision {
  const { heads, before, now, graceMs, most } = look
  const settled: Record<string, string> = { ...before?.settled }
  const awaited: Record<string, Awaited> = {}
  const found: string[] = []
  for (const ref of changedRefs(look)) {
    const at = mark(heads.get(ref)?.commit)
    if (hasMoved(ref, look)) {
      const known = before?.awaited[ref]
      const since = known?.at === at && !look.isQueued(ref) ? known.since : now
      const first = look.isQueued(ref) ? now : (known?.first ?? now)
      const isDue = now - since >= graceMs || now - first >= 3 * graceMs
      if (!isDue || found.length >= most) {
        awaited[ref] = { at, since, first }
        continue
      }
      found.push(ref)
    }
    if (at === '') delete settled[ref]
    else settled[ref] = at
  }
  return { found, after: { settled, awaited } }
}

/** Whether the ref is not where the planner has seen it last, and kanihook.yaml wants it. */
function hasMoved(ref: string, { heads, before, record, isWanted }: Look): boolean {
  if (!isWanted(ref)) return false
  const { generation, head, baseline } = record(ref)
  const commit = heads.get(ref)?.commit
  // A baseline is recorded, and not built.
  if (generation > 0 && !baseline) return head !== commit
  return before !== undefined && commit !== undefined
}

/** When a delivery that may still come has had its time; undefined: none is awaited. */
export function nextLook({ awaited }: Sighting, graceMs: number): number | undefined {
  const times = Object.values(awaited).map(({ since }) => since + graceMs)
  return times.length > 0 ? Math.min(...times) : undefined
}
