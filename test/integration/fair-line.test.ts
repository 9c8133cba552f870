import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { isEnded, type BuildPlan } from '../../src/builds/build.ts'
import type { Delivery, Repository } from '../../src/builds/push-event.ts'
import type { PlanResult } from '../../src/builds/plan.ts'
import { RetryLater } from '../../src/errors.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createDeliveryQueue, deliveriesQueue } from '../../src/queue/deliveries.ts'
import { createFairLine } from '../../src/queue/fair-line.ts'
import { prefix } from '../../src/queue/redis.ts'
import { createQueueWorker, type QueueWorker } from '../../src/queue/worker.ts'
import { buildsQueue, createWorkQueues, type WorkQueues } from '../../src/queue/work-queues.ts'
import { eventually } from '../support/eventually.ts'
import { useRedis } from '../support/redis.ts'
import { buildPlan, delivery, imagePlan, repository, sha } from '../support/samples.ts'

/** Whose turn it is, in the real queues on a real Redis. */

const redis = useRedis()
let builds: ReturnType<typeof createBuildStore>
let queues: WorkQueues
let worker: QueueWorker | undefined
let connection: Redis
/** Names of the repositories whose builds were started, in that order. */
let started: string[]
/** Ends the build that was started first of those that run. */
let ends: (() => void)[]

const named = (name: string): Repository => ({ ...repository, id: name, path: `acme/${name}` })

/** A build that waits: of the n-th branch of a repository. */
async function push(name: string, n = 0, change: Partial<BuildPlan> = {}): Promise<BuildPlan> {
  const plan = buildPlan({
    repository: named(name),
    ref: `refs/heads/b${n}`,
    plan: { ...imagePlan, destinations: [`registry.example.com/${name}:b${n}`] },
    ...change,
  })
  await builds.create(plan)
  await queues.build(plan.id)
  return plan
}

const burst = async (name: string, count: number, from = 0): Promise<void> => {
  for (let n = from; n < from + count; n++) await push(name, n)
}

/** Runs builds by the queue: each goes on until the test ends it. */
function work(concurrency = 200): void {
  worker = createQueueWorker<string, void>({
    queue: buildsQueue,
    redis: connection,
    concurrency,
    onError: () => undefined,
    async work(id, signal) {
      const build = await builds.get(id)
      if (!build || isEnded(build.state)) return
      if (build.state === 'waiting') {
        const full = await builds.start(id)
        if (full) throw new RetryLater('full', { afterMs: 600_000 })
        await builds.update(id, { state: 'starting', tries: 1 })
        started.push(build.repository.id)
      }
      await new Promise<void>((resolve, reject) => {
        ends.push(resolve)
        const stop = (): void => reject(signal.reason as Error)
        signal.addEventListener('abort', stop)
        if (signal.aborted) stop()
      })
      const after = await builds.end(id, { state: 'cancelled', reason: 'x' })
      for (const next of await builds.mayStart(after)) await queues.buildNow(next)
    },
  })
}

const haveStarted = (count: number): Promise<true> =>
  eventually(() => started.length >= count || undefined, { what: `${count} builds started` })

async function limit(maxBuilds: number, maxPerRepository = 0): Promise<void> {
  queues = createWorkQueues({ redis: redis.client, maxBuilds })
  await queues.bound()
  const store = { redis: redis.client, retentionMs: 60_000, now: Date.now }
  builds = createBuildStore({ ...store, maxPerRepository })
}

beforeEach(() => {
  connection = redis.client.duplicate({ maxRetriesPerRequest: null })
  started = []
  ends = []
})
afterEach(async () => {
  await worker?.close()
  worker = undefined
  await queues.close()
  connection.disconnect()
})

describe('a burst of one repository', () => {
  for (const slots of [1, 2]) {
    it(`lets the build of another start next, with ${slots} at once`, async () => {
      await limit(slots)
      await burst('busy', 500)
      work()
      await haveStarted(slots)
      await push('other')
      ends.shift()?.()
      await haveStarted(slots + 1)
      assert.equal(started.at(-1), 'other')
    })
  }

  it('is not kept from its turn by others that keep coming', async () => {
    await limit(1)
    await burst('busy', 20)
    work()
    await haveStarted(1)
    for (let n = 0; n < 12; n++) {
      await Promise.all([push('one', n), push('two', n)])
      ends.shift()?.()
      await haveStarted(n + 2)
    }
    // Of three that always have something waiting each has its third.
    const turns = started.filter((name) => name === 'busy').length
    assert.ok(turns >= 4, started.join(' '))
  })

  it('gets nothing for the time when nobody else was there', async () => {
    await limit(1)
    await burst('busy', 5)
    work()
    for (let n = 1; n <= 5; n++) {
      await haveStarted(n)
      ends.shift()?.()
    }
    await eventually(() => ends.length === 0)
    await burst('busy', 2, 5)
    await haveStarted(6)
    await burst('late', 2)
    for (let n = 7; n <= 9; n++) {
      ends.shift()?.()
      await haveStarted(n)
    }
    assert.deepEqual(started.slice(5), ['busy', 'late', 'busy', 'late'])
  })

  it('of deliveries lets the delivery of another be planned next', async () => {
    await limit(1)
    const deliveries = createDeliveryQueue(redis.client)
    const of = (name: string): Delivery => delivery({ repository: named(name) })
    const planned: string[] = []
    for (let n = 0; n < 500; n++) await deliveries.accept(of('busy'))
    const turns = { next: Promise.withResolvers<void>() }
    worker = createQueueWorker<Delivery, PlanResult>({
      queue: deliveriesQueue,
      redis: connection,
      concurrency: 1,
      onError: () => undefined,
      began: deliveries.began,
      async work({ event }) {
        planned.push(event.repository.id)
        await turns.next.promise
        return { decision: 'planned', reason: '', builds: [], superseded: [] }
      },
    })
    await eventually(() => planned.length === 1)
    await deliveries.accept(of('other'))
    turns.next.resolve()
    await eventually(() => planned.length > 2)
    assert.equal(planned[1], 'other')
    await deliveries.close()
  })
})

describe('a place in line', () => {
  it('is kept by a build that is handed over, so that it goes on before all that wait', async () => {
    await limit(1)
    await burst('busy', 3)
    work()
    await haveStarted(1)
    await push('other')
    await worker?.close()
    const first = ends.length
    work()
    await eventually(() => ends.length > first)
    assert.deepEqual(started, ['busy'], 'the running one is taken over, and none started beside it')
  })

  it('goes from a waiting build to the one that supersedes it', async () => {
    await limit(1)
    const waiting = await push('busy', 0)
    for (let n = 1; n < 4; n++) await push('busy', n)
    await push('busy', 0, { generation: 2, sha: sha('b') })
    assert.equal((await builds.get(waiting.id))?.state, 'superseded')
    assert.equal(await queues.leave(waiting.id), true)
    work()
    await haveStarted(1)
    const running = await builds.list({ limit: 9 })
    const [first] = running.filter(({ state }) => state === 'starting')
    assert.deepEqual([first?.ref, first?.generation], ['refs/heads/b0', 2])
  })

  it('is before all others for what runs already and lost its record with Redis', async () => {
    await limit(1)
    await burst('busy', 2)
    const plan = buildPlan({ repository: named('restored') })
    await builds.create(plan)
    await builds.update(plan.id, { state: 'starting', tries: 1 })
    await queues.build(plan.id)
    work()
    await eventually(() => ends.length === 1)
    assert.deepEqual(started, [])
    ends.shift()?.()
    await haveStarted(1)
  })

  it('is counted anew before BullMQ knows no higher number, and the order stays', async () => {
    await limit(1)
    const line = createFairLine({ redis: redis.client, queue: 'counted', most: 16 })
    const queue = new Queue('counted', { connection: redis.client, prefix })
    const order = async (): Promise<(string | undefined)[]> =>
      (await queue.getPrioritized()).map(({ id }) => id)
    try {
      const add = async (id: string, owner: string): Promise<number> => {
        const priority = (await line.place(id, { owner })) as number
        await queue.add('x', '', { jobId: id, priority })
        return priority
      }
      for (let n = 0; n < 60; n++) {
        // What is begun is what stands first.
        await Promise.all([add(`a${n}`, 'a'), add(`b${n}`, 'b')])
        if (n < 3) continue
        for (const job of (await queue.getPrioritized()).slice(0, 2)) {
          await line.began(job.priority)
          await job.remove()
        }
      }
      const left = await order()
      assert.deepEqual(new Set(left.map((id) => id?.slice(1))), new Set(['57', '58', '59']))
      assert.deepEqual(
        left.map((id) => Number(id?.slice(1))),
        left.map((id) => Number(id?.slice(1))).toSorted((a, b) => a - b),
      )
      const [highest] = (await queue.getPrioritized())
        .map(({ priority }) => priority)
        .toSorted((a, b) => b - a)
      assert.ok(highest !== undefined && highest < 17, `${highest}`)
      // One that was given its place before all were counted anew, and was added after.
      await queue.add('x', '', { jobId: 'late', priority: 500 })
      await add('a60', 'a')
      assert.equal((await order())[0], 'late')
    } finally {
      await queue.close()
    }
  })

  it('is nothing that stays of a repository when its builds have ended', async () => {
    await limit(2, 1)
    await burst('busy', 3)
    await push('other')
    work()
    const open = async (): Promise<number> =>
      (await queues.depths()).reduce((all, { jobs }) => all + jobs, 0)
    const allEnd = (): Promise<true> =>
      eventually(async () => {
        ends.shift()?.()
        return (await open()) === 0 || undefined
      })
    await allEnd()
    await burst('last', 4)
    await allEnd()
    assert.equal(started.length, 8)
    await push('after')
    const left = await redis.client.keys('*')
    assert.deepEqual(
      left.filter((name) => /:(running|held):(?!.*:after)/.test(name)),
      [],
    )
    const known = await redis.client.zrange('{kanihook}:line:builds:next', '0', '-1')
    assert.ok(!known.includes('gitea/busy') && !known.includes('gitea/other'), known.join(' '))
  })
})
