import { ratios, summarise, type Summary } from '../statistics.ts'

export const kinds = ['off', 'on', 'copyLayers'] as const
export type Kind = (typeof kinds)[number]

/** How long Kaniko took in one turn, in milliseconds. */
export type CacheRound = Readonly<
  Record<Kind, { readonly first: number; readonly unchanged: number; readonly changed: number }>
>

export interface CacheResult {
  readonly rounds: number
  readonly kinds: readonly CacheKind[]
}

export interface CacheKind {
  readonly cache: Kind
  /** Milliseconds. */
  readonly first: Summary
  /** The second build, of the same files and of slightly changed ones, against the first of its turn. */
  readonly unchanged: Summary
  readonly changed: Summary
}

/** Throws RangeError where there are no rounds. */
export function compareCaches(rounds: readonly CacheRound[]): CacheResult {
  return {
    rounds: rounds.length,
    kinds: kinds.map((cache) => {
      const of = (build: keyof CacheRound[Kind]): number[] =>
        rounds.map((round) => round[cache][build])
      return {
        cache,
        first: summarise(of('first')),
        unchanged: ratios(of('unchanged'), of('first')),
        changed: ratios(of('changed'), of('first')),
      }
    }),
  }
}
