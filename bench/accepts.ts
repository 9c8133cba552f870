import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { deliveriesQueue } from '../src/queue/deliveries.ts'
import { key } from '../src/queue/redis.ts'
import type { Progress } from '../test/cluster/support/progress.ts'
import { startRedis } from '../test/support/redis.ts'
import type { LoadResult } from './accepts/load.ts'
import { persistences, setPersistence, type Persistence } from './accepts/persistence.ts'
import { startReceiver } from './accepts/receiver.ts'
import { payloadBytes } from './accepts/signed-pushes.ts'
import { startChild } from './child.ts'
import { cpuSeconds } from './cpu-time.ts'
import { ratios, summarise, type Summary } from './statistics.ts'

export interface AcceptsOptions {
  readonly rounds: number
  readonly requests: number
  readonly connections: number
  /** Deliveries that come at one moment; at most as many as the receiver has connections. */
  readonly burst: number
  readonly profile: string | undefined
  readonly signal: AbortSignal
  readonly progress: Progress
}

export interface AcceptsResult {
  readonly payloadBytes: number
  readonly rounds: number
  readonly requests: number
  readonly connections: number
  readonly burst: number
  readonly variants: readonly AcceptsVariant[]
}

export interface AcceptsVariant {
  readonly persistence: Persistence
  readonly bare: Side
  readonly kanihook: Side
  /** kanihook's accepts per second divided by the bare server's of the same round. */
  readonly ratio: Summary
  /** CPU time of redis-server for one accept, all threads; undefined where it cannot be read. */
  readonly redisCpuMicros: Summary | undefined
  /** Until half, 99 of 100 of the deliveries of a burst were answered, since it began. */
  readonly burst: Pick<Side, 'medianMs' | 'p99Ms'>
}

export interface Side {
  readonly perSecond: Summary
  readonly medianMs: Summary
  readonly p99Ms: Summary
  /** CPU time of the server's process for one request; undefined where it cannot be read. */
  readonly cpuMicros: Summary | undefined
}

interface Server {
  readonly pid: number
  readonly port: number
}

type Turn = LoadResult & { readonly perSecond: number; readonly cpuMicros: number }
type DurableTurn = Turn & { readonly redisCpuMicros: number }

/**
 * Durable accepts: both servers run all the time and take turns at the same requests; after each of
 * kanihook's turns Redis must hold one entry for every 202.
 */
export async function benchAccepts(options: AcceptsOptions): Promise<AcceptsResult> {
  const { rounds, requests, connections, burst, profile, signal, progress } = options
  const secret = randomBytes(24).toString('hex')
  await using stack = new AsyncDisposableStack()
  const redisServer = stack.adopt(await startRedis(), (server) => server.stop())
  const redis = stack.adopt(new Redis(redisServer.url), (client) => client.disconnect())
  const load = stack.adopt(startChild('./accepts/load.ts'), (child) => child.stop())
  const bareServer = stack.adopt(startChild('./accepts/bare-server.ts'), (child) => child.stop())
  const bare = { pid: bareServer.pid, port: await bareServer.ask<number>({ secret }) }
  const redisPid = redisServer.process.pid ?? NaN
  const kanihook = stack.adopt(
    await startReceiver({ redisUrl: redisServer.url, secret, profile }),
    (receiver) => receiver.stop(),
  )

  const prepare = (count: number): Promise<string> => load.ask({ do: 'prepare', count, secret })
  const stored = (): Promise<number> => redis.llen(key(deliveriesQueue, 'wait'))

  async function turn({ pid, port }: Server, count: number, how = 'send'): Promise<Turn> {
    signal.throwIfAborted()
    const before = await cpuSeconds(pid)
    const result = await load.ask<LoadResult>({ do: how, port, connections })
    const cpuMicros = (((await cpuSeconds(pid)) - before) / count) * 1e6
    if (result.error !== undefined) throw new Error(`accepts: ${result.error}`)
    if (result.answers[202] !== count) {
      throw new Error(`accepts: not all answers are 202: ${JSON.stringify(result.answers)}`)
    }
    return { ...result, perSecond: count / result.seconds, cpuMicros }
  }

  async function durableTurn(count: number, how?: 'burst'): Promise<DurableTurn> {
    const [before, cpuBefore] = [await stored(), await cpuSeconds(redisPid)]
    const result = await turn(kanihook, count, how)
    const redisCpuMicros = (((await cpuSeconds(redisPid)) - cpuBefore) / count) * 1e6
    const added = (await stored()) - before
    if (added !== count) throw new Error(`accepts: ${count} answers 202, ${added} stored`)
    return { ...result, redisCpuMicros }
  }

  async function variant(persistence: Persistence): Promise<AcceptsVariant> {
    progress(`accepts: Redis with ${persistence}, warming up`)
    await setPersistence(redis, persistence)
    await prepare(requests)
    await turn(bare, requests)
    await durableTurn(requests)
    const turns: { readonly bare: Turn; readonly kanihook: DurableTurn; burst: Turn }[] = []
    for (let round = 1; round <= rounds; round++) {
      await prepare(requests)
      const pair = { bare: await turn(bare, requests), kanihook: await durableTurn(requests) }
      await prepare(burst)
      turns.push({ ...pair, burst: await durableTurn(burst, 'burst') })
      progress(`accepts: Redis with ${persistence}, round ${round} of ${rounds}`)
    }
    const ofBare = turns.map((round) => round.bare)
    const ofKanihook = turns.map((round) => round.kanihook)
    const perSecond = (side: readonly Turn[]): number[] => side.map((turn) => turn.perSecond)
    return {
      persistence,
      bare: side(ofBare),
      kanihook: side(ofKanihook),
      ratio: ratios(perSecond(ofKanihook), perSecond(ofBare)),
      redisCpuMicros: measured(ofKanihook.map((turn) => turn.redisCpuMicros)),
      burst: side(turns.map((round) => round.burst)),
    }
  }

  const variants: AcceptsVariant[] = []
  for (const persistence of persistences) variants.push(await variant(persistence))
  return { payloadBytes, rounds, requests, connections, burst, variants }
}

function side(turns: readonly Turn[]): Side {
  return {
    perSecond: summarise(turns.map((turn) => turn.perSecond)),
    medianMs: summarise(turns.map((turn) => turn.medianMs)),
    p99Ms: summarise(turns.map((turn) => turn.p99Ms)),
    cpuMicros: measured(turns.map((turn) => turn.cpuMicros)),
  }
}

const measured = (values: readonly number[]): Summary | undefined =>
  values.some(Number.isNaN) ? undefined : summarise(values)
