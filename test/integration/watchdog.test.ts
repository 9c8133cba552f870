import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
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
const patienceMs = 1_000

let server: TestRedis
let redis: Redis
let queue: Queue
let proxy: TcpProxy
const closers: (() => Promise<void>)[] = []
/** Looks of all watchdogs since the start of the test, and how many of them failed. */
let looks = 0
let failedLooks = 0

before(async () => {
  server = await startRedis()
  redis = connectBounded(server.url)
  queue = new Queue(name, { connection: redis, prefix })
  queue.on('error', () => undefined)
  await eventually(() => redis.status === 'ready')
})
after(async () => {
  await queue.close()
  redis.disconnect()
  await server.stop()
})
beforeEach(async () => {
  await eventually(async () => (await redis.flushall()) === 'OK')
  proxy = await startTcpProxy(Number(new URL(server.url).port))
  looks = 0
  failedLooks = 0
})
afterEach(async () => {
  // A worker behind a dead connection closes when that is gone.
  const closing = closers.splice(0).map((close) => close())
  await proxy.close()
  await Promise.all(closing)
})

const eye = {
  async eval(...args: Parameters<Redis['eval']>) {
    looks += 1
    return redis.eval(...args).catch((error: unknown) => {
      failedLooks += 1
      throw error
    })
  },
} as Pick<Redis, 'eval'>

interface Watched extends Watchdog {
  readonly began: string[]
  /** When it was told that the worker had stopped. */
  readonly told: Date[]
}

/** A worker and its watchdog; `via` a port that is not Redis' own. */
function consume(options: {
  work?: () => Promise<void>
  concurrency?: number
  via?: TcpProxy
}): Watched {
  const { work = async () => undefined, concurrency = 2, via } = options
  const own = connectPatient(via ? `redis://127.0.0.1:${via.port}` : server.url)
  const began: string[] = []
  const told: Date[] = []
  const worker: QueueWorker = createQueueWorker<string, void>({
    queue: name,
    redis: own,
    concurrency,
    onError: () => undefined,
    work: async (data) => {
      began.push(data)
      await work()
    },
  })
  const onStopped = (): void => void told.push(new Date())
  const watchdog = createWatchdog({ worker, redis: eye, onStopped, lookMs, patienceMs })
  closers.push(async () => {
    watchdog.close()
    if (via) own.disconnect()
    await worker.close()
    own.disconnect()
  })
  return { ...watchdog, began, told }
}

/** A job that lasts as long as the test. */
function held(): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  closers.unshift(async () => resolve())
  return () => promise
}

/** Looks for much longer than the patience lasts, and finds nothing. */
async function staysHealthy(...watched: Watched[]): Promise<void> {
  const end = looks + (2 * watched.length * patienceMs) / lookMs
  await eventually(() => looks >= end, { within: 20_000, what: 'many looks' })
  for (const { told } of watched) assert.deepEqual(told, [])
}

/** A worker that has done a job and whose connections, also those that it makes anew, are dead since. */
async function consumeDeadly(): Promise<Watched> {
  const worker = consume({ via: proxy })
  await queue.add('job', 'first')
  await eventually(() => worker.began.includes('first'))
  await eventually(async () => (await queue.getJobCountByTypes('active')) === 0)
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
      await eventually(() => worker.stopped())
      assert.equal(worker.told.length, 1)
    })
  }

  test('by its own job, which it does not hold any more, though that one exhausts the global bound', async () => {
    await queue.setGlobalConcurrency(1)
    const worker = consume({ work: held(), concurrency: 1, via: proxy })
    await queue.add('job', 'first')
    await eventually(() => worker.began.includes('first'))
    proxy.freezeNew(true)
    proxy.freeze()
    await eventually(() => worker.stopped(), { within: 20_000 })
  })

  test('and is healthy again while Redis is frozen, as a restart would not help', async () => {
    const worker = await consumeDeadly()
    await queue.add('job', 'second')
    await eventually(() => worker.stopped())
    server.process.kill('SIGSTOP')
    try {
      await eventually(() => failedLooks > 0 && !worker.stopped())
    } finally {
      server.process.kill('SIGCONT')
    }
  })
})

test('a worker whose connections died unnoticed makes new ones and goes on by itself', async () => {
  const worker = await consumeDeadly()
  proxy.freezeNew(false)
  await queue.add('job', 'second')
  await eventually(() => worker.began.includes('second'), { within: 40_000 })
})

describe('a worker is healthy', () => {
  test('when there is nothing to do, or not yet', async () => {
    const worker = consume({})
    await queue.add('job', 'later', { delay: 3_600_000 })
    await staysHealthy(worker)
  })

  test('when it works', async () => {
    const worker = consume({})
    const adding = setInterval(() => void queue.add('job', 'next').catch(() => undefined), 20)
    try {
      await staysHealthy(worker)
    } finally {
      clearInterval(adding)
    }
    assert.ok(worker.began.length > 10)
  })

  test('when all its slots are busy', async () => {
    const worker = consume({ work: held(), concurrency: 1 })
    await queue.add('job', 'first')
    await queue.add('job', 'second')
    await eventually(() => worker.began.length === 1)
    await staysHealthy(worker)
  })

  test('when the global concurrency is exhausted, be it by another worker', async () => {
    await queue.setGlobalConcurrency(1)
    const work = held()
    const workers = [consume({ work }), consume({ work })] as const
    await queue.add('job', 'first')
    await queue.add('job', 'second')
    await eventually(() => workers.some(({ began }) => began.length === 1))
    await staysHealthy(...workers)
  })

  test('when another worker takes every job', async () => {
    const slow = await consumeDeadly()
    // So busy that at every look some job is next in line.
    const quick = consume({ work: () => sleep(30), concurrency: 1 })
    const adding = setInterval(() => void queue.add('job', 'next').catch(() => undefined), 20)
    try {
      await staysHealthy(slow, quick)
    } finally {
      clearInterval(adding)
    }
    assert.ok(quick.began.length > 10)
  })

  test('when the queue is paused', async () => {
    await queue.pause()
    await queue.add('job', 'first')
    await staysHealthy(consume({}))
  })

  test('when Redis is full and gives no job away', async () => {
    await queue.add('job', 'first')
    await redis.config('SET', 'maxmemory', '1')
    try {
      const worker = consume({})
      await staysHealthy(worker)
      assert.deepEqual(worker.began, [])
      assert.ok(failedLooks > 0)
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
  })
})
