import { quantile } from '../statistics.ts'
import { driveConnection } from './connection.ts'
import { signedPushes } from './signed-pushes.ts'

/** The load generator, a process of its own: makes requests ready, then sends them as fast as they are answered. */

export type LoadCommand =
  | { readonly do: 'prepare'; readonly count: number; readonly secret: string }
  /** Sends what was prepared, all of it once. */
  | { readonly do: 'send'; readonly port: number; readonly connections: number }

export interface LoadResult {
  readonly seconds: number
  /** How many answers came, by status. */
  readonly answers: Readonly<Record<number, number>>
  readonly medianMs: number
  readonly p99Ms: number
  /** Why it stopped early, if it did. */
  readonly error: string | undefined
}

let prepared: readonly Buffer[] = []

async function send(port: number, connections: number): Promise<LoadResult> {
  const answers: Record<number, number> = {}
  const times: number[] = []
  const requests = prepared.values()
  const next = (): Buffer | undefined => requests.next().value
  const answered = (status: number, ms: number): void => {
    answers[status] = (answers[status] ?? 0) + 1
    times.push(ms)
  }
  const startedAt = performance.now()
  const ends = await Promise.allSettled(
    Array.from({ length: connections }, () => driveConnection({ port, next, answered })),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const failed = ends.find((end) => end.status === 'rejected')
  const sorted = times.toSorted((a, b) => a - b)
  return {
    seconds,
    answers,
    medianMs: sorted.length > 0 ? quantile(sorted, 0.5) : NaN,
    p99Ms: sorted.length > 0 ? quantile(sorted, 0.99) : NaN,
    error: failed && String(failed.reason),
  }
}

async function obey(command: LoadCommand): Promise<LoadResult | 'prepared'> {
  if (command.do === 'send') return send(command.port, command.connections)
  prepared = signedPushes(command.count, command.secret)
  return 'prepared'
}

process.on('message', (command: LoadCommand) => {
  void obey(command).then((answer) => process.send?.(answer))
})
