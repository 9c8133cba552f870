import { table } from '../../bench/table.ts'
import { kinds, type Finding } from './check.ts'
import { isAccepted, type History, type Push } from './history.ts'
import type { Inflicted } from './inflict.ts'
import { faultNames, type FaultName } from './schedule.ts'

export interface Results {
  readonly history: History
  readonly findings: readonly Finding[]
  readonly inflicted: readonly Inflicted[]
  /** What was wrong with how pushes were told, by their commits. */
  readonly told: ReadonlyMap<string, readonly FaultName[]>
}

/**
 * A row for each fault with the pushes that were on their way while it lasted, and one for all. A push meets
 * several faults, so the rows do not add up.
 */
export function faultTable({ history, findings, inflicted, told }: Results): string {
  const ends = lastSeen(history)
  const row = (name: string, times: number, met: readonly Push[]): string[] => {
    const shas = new Set(met.map(({ sha }) => sha))
    return [
      name,
      `${times}`,
      `${met.filter(isAccepted).length}`,
      ...kinds.map(
        (kind) =>
          `${findings.filter((finding) => finding.kind === kind && shas.has(finding.sha)).length}`,
      ),
    ]
  }
  const rows = faultNames.map((name) => {
    const these = inflicted.filter((each) => each.name === name)
    const marked = history.pushes.filter(({ sha }) => told.get(sha)?.includes(name))
    const met = history.pushes.filter(
      ({ at, sha }) =>
        marked.some((push) => push.sha === sha) ||
        these.some(({ from, to }) => at <= to && (ends.get(sha) ?? at) >= from),
    )
    return row(name, these.length + marked.length, met)
  })
  const times = rows.reduce((sum, [, count]) => sum + Number(count), 0)
  return table(
    ['fault', 'injected', 'accepted', ...kinds],
    [...rows, row('all', times, history.pushes)],
  )
}

/** When each commit was last heard of. */
function lastSeen({ pushes, statuses }: History): ReadonlyMap<string, number> {
  return new Map([
    ...pushes.flatMap(({ sha, deliveries }) => deliveries.map(({ at }) => [sha, at] as const)),
    ...statuses.map(({ sha, at }) => [sha, at] as const),
  ])
}

/** What was seen of the commit of a finding, in order: a line each. */
export function story(sha: string, { pushes, jobs, statuses }: History): readonly string[] {
  const events = [
    ...pushes
      .filter((push) => push.sha === sha)
      .flatMap(({ at, ref, deliveries }): [number, string][] => [
        [at, `pushed to ${ref}`],
        ...deliveries.map((each): [number, string] => [
          each.at,
          `delivered, answer ${each.status || 'none'}`,
        ]),
      ]),
    ...jobs
      .filter((job) => job.sha === sha)
      .flatMap(({ name, createdAt, endedAt, end }): [number, string][] => [
        [createdAt, `${name} made`],
        ...(endedAt === undefined ? [] : [[endedAt, `${name} ${end}`] as [number, string]]),
      ]),
    ...statuses
      .filter((status) => status.sha === sha)
      .map(({ at, context, state, description }): [number, string] => [
        at,
        `${context} ${state}: ${description}`,
      ]),
  ]
  return events
    .toSorted(([a], [b]) => a - b)
    .map(([at, what]) => `  ${(at / 1000).toFixed(2).padStart(7)}s ${what}`)
}
