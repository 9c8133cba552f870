import { quantile } from '../statistics.ts'
import { driveConnection } from './connection.ts'
import { signedPushes } from './signed-pushes.ts'

/** The load generator, a process of its own: makes requests ready, then sends them as fast as they are answered. */

export type LoadCommand =
  | { readonly do: 'prepare'; readonly count: number; readonly secret: string }
  /** Sends what was prepared, all of it once. */
  | { readonly do: 'send'; readonly port: number; readonly connections: number }
  /** Sends what was prepared all at one moment, each over a connection of its own. */
  | { readonly do: 'burst'; readonly port: number }

export interface LoadResult {
  readonly seconds: number
  /** How many answers came, by status. */
  readonly answers: Readonly<Record<number, number>>
  /** Of a burst since its beginning, else since each request was sent. */
  readonly medianMs: number
  readonly p99Ms: number
  /** Why it stopped early, if it did. */
  readonly error: string | undefined
}

let prepared: readonly Buffer[] = []

type Next = () => Buffer | undefined

async function send(port: number, connections: number): Promise<LoadResult> {
  const requests = prepared.values()
  const next: Next = () => requests.next().value
  return drive(port, Array<Next>(connections).fill(next))
}

const burst = (port: number): Promise<LoadResult> =>
  drive(
    port,
    prepared.map((request) => {
      const own = [request].values()
      return () => own.next().value
    }),
    performance.now(),
  )

/** A connection for each of `nexts`. Times count from `since`; undefined: from each request's start. */
async function drive(port: number, nexts: readonly Next[], since?: number): Promise<LoadResult> {
  const answers: Record<number, number> = {}
  const times: number[] = []
  const answered = (status: number, ms: number): void => {
    answers[status] = (answers[status] ?? 0) + 1
    times.push(since === undefined ? ms : performance.now() - since)
  }
  const startedAt = performance.now()
  const ends = await Promise.allSettled(
    nexts.map((next) => driveConnection({ port, next, answered })),
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
  if (command.do === 'burst') return burst(command.port)
  if (command.do === 'send') return send(command.port, command.connections)
  prepared = signedPushes(command.count, command.secret)
  return 'prepared'
}

process.on('message', (command: LoadCommand) => {
  void obey(command).then((answer) => process.send?.(answer))
})
