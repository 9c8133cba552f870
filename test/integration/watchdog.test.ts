import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { RetryLater } from '../../src/errors.ts'
import { connectBounded, connectPatient, prefix } from '../../src/queue/redis.ts'
import { createWatchdog, type Watchdog } from '../../src/queue/watchdog.ts'
import { createQueueWorker, type QueueWorker } from '../../src/queue/worker.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

/**
 * What makes `/healthz` fail, on a real Redis. A worker is stopped as networks do it: its connections go dead
 * without being closed, while the watchdog's own still works.
 */

const name = 'watched'
const lookMs = 50
const patienceMs = 1_500
/** This process may be held up for as long: shorter than the patience, so that one pause alone is no fault. */
const gapMs = 1_000
/** For what takes a fraction of it on a machine that has nothing else to do. */
const within = 60_000

let server: TestRedis
/** Waits as long as it takes: a pause of this process must not fail a command. */
let redis: Redis
let bounded: Redis
let queue: Queue
let proxy: TcpProxy
const closers: (() => Promise<void>)[] = []

before(async () => {
  server = await startRedis()
  redis = connectPatient(server.url)
  bounded = connectBounded(server.url)
  queue = new Queue(name, { connection: redis, prefix })
  queue.on('error', () => undefined)
  await eventually(() => bounded.status === 'ready')
})
after(async () => {
  await queue.close()
  redis.disconnect()
  bounded.disconnect()
  await server.stop()
})
beforeEach(async () => {
  await redis.flushall()
  proxy = await startTcpProxy(Number(new URL(server.url).port))
})
afterEach(async () => {
  // A worker behind a dead connection closes when that is gone.
  const closing = closers.splice(0).map((close) => close())
  await proxy.close()
  await Promise.all(closing)
})

/** What a watchdog saw at one look. */
interface Look {
  /** Milliseconds, on the clock of the watchdog. */
  readonly at: number
  readonly failed: boolean
  /** The job that is next in line and may be taken, and how often it was begun; empty: none. */
  readonly next: string
}

interface Watched extends Watchdog {
  readonly began: string[]
  /** When it was told that the worker had stopped. */
  readonly told: Date[]
  readonly looks: Look[]
}

interface Consume {
  readonly work?: (data: string) => Promise<void>
  readonly concurrency?: number
  /** A port that is not Redis' own. */
  readonly via?: TcpProxy
  /** Waited for before each look. */
  readonly beforeLook?: () => Promise<void>
}

/** A worker and its watchdog. */
function consume(options: Consume): Watched {
  const { work = async () => undefined, concurrency = 2, via, beforeLook } = options
  const own = connectPatient(via ? `redis://127.0.0.1:${via.port}` : server.url)
  const began: string[] = []
  const told: Date[] = []
  const looks: Look[] = []
  const worker: QueueWorker = createQueueWorker<string, void>({
    queue: name,
    redis: own,
    concurrency,
    onError: () => undefined,
    work: async (data) => {
      began.push(data)
      await work(data)
    },
  })
  const eye = {
    async eval(...args: Parameters<Redis['eval']>) {
      await beforeLook?.()
      const look = (failed: boolean, next = ''): void =>
        void looks.push({ at: performance.now(), failed, next })
      try {
        const line = (await bounded.eval(...args)) as [string, string]
        look(false, line[1])
        return line
      } catch (error) {
        look(true)
        throw error
      }
    },
  } as Pick<Redis, 'eval'>
  const onStopped = (): void => void told.push(new Date())
  const watchdog = createWatchdog({ worker, redis: eye, onStopped, lookMs, patienceMs, gapMs })
  closers.push(async () => {
    watchdog.close()
    if (via) own.disconnect()
    await worker.close()
    own.disconnect()
  })
  return { ...watchdog, began, told, looks }
}

/** A job that lasts as long as the test. */
function held(): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  closers.unshift(async () => resolve())
  return () => promise
}

/**
 * The latest looks of which none is like `breaks`, without a pause that starts the time anew: as long as these
 * last, a worker has had its chance to be found stopped.
 */
function unbroken(looks: readonly Look[], breaks: (look: Look) => boolean): readonly Look[] {
  const from = looks.findLastIndex(
    (look, index) => breaks(look) || look.at - (looks[index - 1] ?? look).at > gapMs,
  )
  return looks.slice(from === -1 ? 0 : from + 1)
}

/** Looks for longer than the patience lasts, and finds nothing. `breaks`: which looks prove nothing. */
async function staysHealthy(
  watched: Watched,
  breaks: (look: Look) => boolean = ({ failed }) => failed,
): Promise<void> {
  const start = watched.looks.length
  const proof = (): readonly Look[] => unbroken(watched.looks.slice(start), breaks)
  await eventually(
    () => {
      const [first, last] = [proof()[0], proof().at(-1)]
      return first && last && last.at - first.at > patienceMs + 10 * lookMs
    },
    { within, what: 'looks for longer than the patience' },
  )
  assert.deepEqual(watched.told, [])
}

/** A worker that has done a job and whose connections, also those that it makes anew, are dead since. */
async function consumeDeadly(options: Consume = {}): Promise<Watched> {
  const worker = consume({ ...options, via: proxy })
  await queue.add('job', 'first')
  await eventually(() => worker.began.includes('first'), { within })
  await eventually(async () => (await queue.getJobCountByTypes('active')) === 0, { within })
  proxy.freezeNew(true)
  proxy.freeze()
  return worker
}

describe('a worker whose connection hangs is found to have stopped', () => {
  for (const [kind, options] of [
    ['waiting', {}],
    ['prioritized', { priority: 5 }],
    ['delayed', { delay: 100 }],
  ] as const) {
    test(`by a ${kind} job that it does not take`, async () => {
      const worker = await consumeDeadly()
      await staysHealthy(worker)
      await queue.add('job', 'second', options)
      await eventually(() => worker.stopped(), { within })
      assert.equal(worker.told.length, 1)
    })
  }

  test('by looks that come late, as long as none comes later than the gap', async () => {
    const worker = await consumeDeadly({ beforeLook: () => sleep(4 * lookMs) })
    await queue.add('job', 'second')
    await eventually(() => worker.stopped(), { within })
  })

  test('by its own job, which it does not hold any more, though that one exhausts the global bound', async () => {
    await queue.setGlobalConcurrency(1)
    const worker = consume({ work: held(), concurrency: 1, via: proxy })
    await queue.add('job', 'first')
    await eventually(() => worker.began.includes('first'), { within })
    proxy.freezeNew(true)
    proxy.freeze()
    await eventually(() => worker.stopped(), { within })
  })

  test('and is healthy again while Redis is frozen, as a restart would not help', async () => {
    const worker = await consumeDeadly()
    await queue.add('job', 'second')
    await eventually(() => worker.stopped(), { within })
    server.process.kill('SIGSTOP')
    try {
      await eventually(() => worker.looks.at(-1)?.failed && !worker.stopped(), { within })
    } finally {
      server.process.kill('SIGCONT')
    }
  })
})

test('a worker whose connections died unnoticed makes new ones and goes on by itself', async () => {
  const worker = await consumeDeadly()
  proxy.freezeNew(false)
  await queue.add('job', 'second')
  await eventually(() => worker.began.includes('second'), { within: 2 * within })
})

describe('a worker is healthy', () => {
  test('when there is nothing to do, or not yet', async () => {
    const worker = consume({})
    await queue.add('job', 'later', { delay: 3_600_000 })
    await staysHealthy(worker)
  })

  test('when it works', async () => {
    const work = oneALook()
    const worker = consume({ ...work, concurrency: 1 })
    await queue.addBulk(manyJobs)
    await staysHealthy(worker, ({ failed, next }) => failed || next === '')
    assert.ok(worker.began.length > 10, String(worker.began.length))
  })

  test('when all its slots are busy', async () => {
    const worker = consume({ work: held(), concurrency: 1 })
    await queue.add('job', 'first')
    await queue.add('job', 'second')
    await eventually(() => worker.began.length === 1, { within })
    await staysHealthy(worker, ({ failed, next }) => failed || next === '')
  })

  test('when the global concurrency is exhausted, be it by another worker', async () => {
    await queue.setGlobalConcurrency(1)
    const work = held()
    const workers = [consume({ work }), consume({ work })] as const
    await queue.add('job', 'first')
    await queue.add('job', 'second')
    await eventually(() => workers.some(({ began }) => began.length === 1), { within })
    await Promise.all(workers.map((worker) => staysHealthy(worker)))
  })

  test('when another worker takes every job', async () => {
    const { work, beforeLook } = oneALook()
    const slow = await consumeDeadly({ beforeLook })
    const quick = consume({ work, concurrency: 1 })
    await queue.addBulk(manyJobs)
    // At every look some job is next in line.
    await staysHealthy(slow, ({ failed, next }) => failed || next === '')
    assert.deepEqual(quick.told, [])
    assert.ok(quick.began.length > 10, String(quick.began.length))
  })

  test('when another worker takes one job again and again, and puts it back each time', async () => {
    let release = (): void => undefined
    let holds = false
    let over = false
    let other: Watched | undefined
    const again = (): number => other?.began.filter((data) => data === 'again').length ?? 0
    /** Has the other one put back what it holds, take the one job, and put that back too. */
    async function aRound(): Promise<void> {
      const before = again()
      const isDone = (): boolean => {
        if (!other || over || (holds && again() > before)) return true
        release()
        return false
      }
      await eventually(isDone, { every: 2, within })
    }
    const idle = await consumeDeadly({ beforeLook: aRound })
    await queue.add('job', 'held')
    const { id = '' } = await queue.add('job', 'again')
    other = consume({
      concurrency: 1,
      async work(data) {
        if (data === 'held') {
          holds = true
          await new Promise<void>((resolve) => (release = resolve))
          holds = false
        }
        throw new RetryLater('not yet', { afterMs: 0 })
      },
    })
    closers.unshift(async () => {
      over = true
      release()
    })
    // At every look it is next in line once more.
    await staysHealthy(idle, ({ failed, next }) => failed || !next.startsWith(`${id}:`))
    assert.ok(again() > 10, String(again()))
  })

  test('when the queue is paused', async () => {
    await queue.pause()
    await queue.add('job', 'first')
    const worker = consume({})
    await staysHealthy(worker)
    assert.deepEqual(worker.began, [])
  })

  test('when Redis is full and gives no job away', async () => {
    await queue.add('job', 'first')
    await redis.config('SET', 'maxmemory', '1')
    try {
      const worker = consume({})
      await staysHealthy(worker, ({ failed }) => !failed)
      assert.deepEqual(worker.began, [])
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
  })
})

/** More than there are looks in a test. */
const manyJobs = Array.from({ length: 2_000 }, (_, index) => ({
  name: 'job',
  data: `job ${index}`,
}))

/** Work of which one job is done for each look, so that the line moves however fast time goes. */
function oneALook(): { work: () => Promise<void>; beforeLook: () => Promise<void> } {
  let done = (): void => undefined
  closers.unshift(async () => done())
  return {
    work: () => new Promise((resolve) => (done = resolve)),
    beforeLook: async () => done(),
  }
}
