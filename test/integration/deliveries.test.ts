import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { PlanResult } from '../../src/builds/plan.ts'
import type { Delivery } from '../../src/builds/push-event.ts'
import { PermanentError, RetryLater } from '../../src/errors.ts'
import { createDeliveryQueue, deliveriesQueue } from '../../src/queue/deliveries.ts'
import { connectBounded, connectPatient } from '../../src/queue/redis.ts'
import { createQueueWorker, type QueueWorker } from '../../src/queue/worker.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { delivery } from '../support/samples.ts'

let server: TestRedis
let producer: Redis
let consumer: Redis
let queue: ReturnType<typeof createDeliveryQueue>
let worker: QueueWorker | undefined

before(async () => {
  server = await startRedis()
  producer = connectBounded(server.url)
  consumer = connectPatient(server.url)
  queue = createDeliveryQueue(producer)
  await eventually(() => producer.status === 'ready')
})
after(async () => {
  await worker?.close()
  await queue.close()
  producer.disconnect()
  consumer.disconnect()
  await server.stop()
})
beforeEach(async () => {
  await worker?.close()
  worker = undefined
  await consumer.flushall()
})

const planned: PlanResult = {
  decision: 'planned',
  reason: 'ok',
  builds: ['b'],
  superseded: [],
}
const ignored: PlanResult = {
  ...planned,
  decision: 'ignored',
  reason: 'nothing',
  builds: [],
}

/** Plans deliveries by `work`; what it saw is returned. */
function plan(work: (delivery: Delivery) => Promise<PlanResult>, patience?: number): Delivery[] {
  const seen: Delivery[] = []
  worker = createQueueWorker<Delivery, PlanResult>({
    queue: deliveriesQueue,
    redis: consumer,
    concurrency: 4,
    onError: () => undefined,
    work: async (data) => {
      seen.push(data)
      return work(data)
    },
    ...(patience === undefined ? {} : { patience }),
  })
  return seen
}

const state = async (id: string): Promise<string | undefined> => (await queue.get(id))?.state

test('of twenty identical deliveries at once exactly one is accepted, and one is planned', async () => {
  const event = delivery()
  const answers = await Promise.all(Array.from({ length: 20 }, () => queue.accept(event)))
  assert.equal(answers.filter((answer) => answer === 'accepted').length, 1)
  const seen = plan(async () => planned)
  await eventually(async () => (await state(event.id)) === 'planned')
  assert.deepEqual(
    seen.map(({ id }) => id),
    [event.id],
  )
  assert.deepEqual((await queue.get(event.id))?.builds, ['b'])
})

test('a redelivery of what built something is a duplicate and is not planned again', async () => {
  const event = { ...delivery(), forgeId: 'an id of the forge' }
  const seen = plan(async () => planned)
  await queue.accept(event)
  await eventually(async () => (await state(event.id)) === 'planned')
  assert.equal(await queue.accept(event), 'duplicate')
  const other = delivery()
  await queue.accept(other)
  await eventually(async () => (await state(other.id)) === 'planned')
  assert.equal(seen.length, 2)
})

test('the same two commits of a ref again, without an id of the forge, are planned again', async () => {
  const event = { ...delivery(), forgeId: undefined }
  const seen = plan(async () => planned)
  await queue.accept(event)
  await eventually(async () => (await state(event.id)) === 'planned')
  assert.equal(await queue.accept(event), 'duplicate')
  await eventually(() => seen.length === 2)
})

for (const [what, first, expected] of [
  ['was ignored', async () => ignored, 'ignored'],
  ['failed to plan', () => Promise.reject(new PermanentError('no access')), 'failed'],
] as const) {
  test(`a redelivery of what ${what} is planned again`, async () => {
    const event = delivery()
    let times = 0
    plan(async () => ((times += 1) === 1 ? first() : planned))
    await queue.accept(event)
    await eventually(async () => (await state(event.id)) === expected)
    assert.equal(await queue.accept(event), 'duplicate')
    await eventually(async () => (await state(event.id)) === 'planned')
  })
}

test('a redelivery that cannot be put in line again is an error and no duplicate', async () => {
  const event = delivery()
  plan(() => Promise.reject(new PermanentError('no access')))
  await queue.accept(event)
  await eventually(async () => (await state(event.id)) === 'failed')
  // What an add does not need, and to take a job out of what has ended does.
  await consumer.acl('SETUSER', 'default', '-zrem')
  try {
    await assert.rejects(queue.accept(event), /NOPERM|can't run this command/)
  } finally {
    await consumer.acl('SETUSER', 'default', '+zrem')
  }
})

test('a plan that must wait is looked at again by itself, and its failure is told when patience ends', async () => {
  const event = delivery()
  const seen = plan(() => Promise.reject(new RetryLater('git is away', { afterMs: 10 })), 3)
  await queue.accept(event)
  await eventually(async () => (await state(event.id)) === 'failed')
  assert.equal(seen.length, 3)
  assert.equal((await queue.get(event.id))?.reason, 'git is away')
})

test('what nobody wanted is remembered with its reason, without being queued', async () => {
  const event = delivery()
  await queue.remember(event, 'no entry matches')
  const record = await queue.get(event.id)
  assert.deepEqual([record?.state, record?.reason], ['ignored', 'no entry matches'])
})

test('a frozen Redis is an error within 2 s, and the retry of the sender is stored after the thaw', async () => {
  const event = delivery()
  server.process.kill('SIGSTOP')
  const started = Date.now()
  try {
    await assert.rejects(queue.accept(event))
  } finally {
    server.process.kill('SIGCONT')
  }
  assert.ok(Date.now() - started < 2_500, `took ${Date.now() - started} ms`)
  await eventually(async () => (await queue.accept(event)) !== undefined)
  const seen = plan(async () => planned)
  await eventually(async () => (await state(event.id)) === 'planned')
  assert.equal(seen.length, 1)
})

test('a worker that stops hands its delivery to the next one at once', async () => {
  const event = delivery()
  let began = () => {}
  const beginning = new Promise<void>((resolve) => (began = resolve))
  const first = createQueueWorker<Delivery, PlanResult>({
    queue: deliveriesQueue,
    redis: consumer,
    concurrency: 1,
    onError: () => undefined,
    work: (_, signal) => {
      began()
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
  })
  await queue.accept(event)
  await beginning
  await first.close()
  plan(async () => planned)
  await eventually(async () => (await state(event.id)) === 'planned', { within: 3_000 })
})

test('a worker that stops does not wait for a Redis that goes away before it has handed over', async () => {
  const own = await startRedis()
  const connections = [connectBounded(own.url), connectPatient(own.url)] as const
  const deliveries = createDeliveryQueue(connections[0])
  try {
    await eventually(() => connections.every(({ status }) => status === 'ready'))
    const beginning = Promise.withResolvers<void>()
    const stopping = createQueueWorker<Delivery, PlanResult>({
      queue: deliveriesQueue,
      redis: connections[1],
      concurrency: 1,
      onError: () => undefined,
      work: (_, signal) => {
        beginning.resolve()
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      },
    })
    await deliveries.accept(delivery())
    await beginning.promise
    own.process.kill('SIGSTOP')
    const closed = stopping.close().then(() => true)
    own.process.kill('SIGKILL')
    assert.ok(await Promise.race([closed, sleep(5_000, false, { ref: false })]))
  } finally {
    await deliveries.close()
    for (const connection of connections) connection.disconnect()
    await own.stop()
  }
})

test('a failure that cannot be recorded now is told later, and not lost', async () => {
  const event = delivery()
  let told = 0
  worker = createQueueWorker<Delivery, PlanResult>({
    queue: deliveriesQueue,
    redis: consumer,
    concurrency: 1,
    troubleMs: 20,
    onError: () => undefined,
    work: () => Promise.reject(new PermanentError('no access')),
    failed: async () => {
      told += 1
      if (told === 1) throw new Error('Redis is full')
    },
  })
  await queue.accept(event)
  await eventually(async () => (await state(event.id)) === 'failed')
  assert.equal(told, 2)
})
