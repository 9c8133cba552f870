import { ratios, summarise, type Summary } from '../statistics.ts'
import { percentRange, range, table } from '../table.ts'

/** One round, in milliseconds. */
export interface CloneRound {
  /** kanihook's clone container: the commit by its id, and nothing before it. */
  readonly exact: number
  /** Kaniko with `--context=git://…`, to its end. */
  readonly git: number
  /** The same build with the files already there. */
  readonly local: number
}

export interface CloneResult {
  readonly commits: number
  readonly rounds: number
  readonly exact: Summary
  /** What Kaniko's clone adds to its build. */
  readonly kaniko: Summary
  /** The first against the second. */
  readonly ratio: Summary
}

/** Throws RangeError where there are no rounds. */
export function compareClones(commits: number, rounds: readonly CloneRound[]): CloneResult {
  const exact = rounds.map((round) => round.exact)
  const kaniko = rounds.map((round) => round.git - round.local)
  return {
    commits,
    rounds: rounds.length,
    exact: summarise(exact),
    kaniko: summarise(kaniko),
    ratio: ratios(exact, kaniko),
  }
}

export function cloneTable({ commits, rounds, exact, kaniko, ratio }: CloneResult): string {
  return [
    `clone: a repository of ${commits} commits over loopback, ${rounds} rounds, median (min–max)`,
    '',
    table(
      ['way', 'ms', "of Kaniko's own"],
      [
        ["Kaniko's own clone", range(kaniko), '100 %'],
        ['the commit by its id', range(exact), percentRange(ratio)],
      ],
    ),
  ].join('\n')
}
