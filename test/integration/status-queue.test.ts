import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { RetryLater } from '../../src/errors.ts'
import { connectPatient } from '../../src/queue/redis.ts'
import { createQueueWorker, type QueueWorker } from '../../src/queue/worker.ts'
import { createWorkQueues, statusesQueue, type WorkQueues } from '../../src/queue/work-queues.ts'
import { eventually } from '../support/eventually.ts'
import { useRedis } from '../support/redis.ts'

/** The queue of statuses on a real Redis: what is worked on, how often, and in which order. */

const redis = useRedis()
let queues: WorkQueues
let worker: QueueWorker | undefined
let consumer: ReturnType<typeof connectPatient>

beforeEach(() => {
  queues = createWorkQueues({ redis: redis.client })
  consumer = connectPatient(redis.server.url)
})
afterEach(async () => {
  await worker?.close()
  worker = undefined
  consumer.disconnect()
  await queues.close()
})

/** The ids that were worked on, in their order. */
function work(
  by: (id: string, times: number) => Promise<void> = async () => undefined,
  patienceMs?: number,
): { done: string[]; failed: string[] } {
  const [done, failed]: string[][] = [[], []]
  worker = createQueueWorker<string, void>({
    queue: statusesQueue,
    redis: consumer,
    concurrency: 1,
    ...(patienceMs === undefined ? {} : { patienceMs }),
    work: (id) => by(id, done!.push(id)),
    failed: async (id) => void failed!.push(id),
    onError: () => undefined,
  })
  return { done: done!, failed: failed! }
}

const depth = async (): Promise<number> => {
  const depths = await queues.depths()
  return depths
    .filter(({ queue }) => queue === statusesQueue)
    .reduce((sum, { jobs }) => sum + jobs, 0)
}
const isEmpty = async (): Promise<boolean> => (await depth()) === 0

test('however often a status changes before somebody looks, it is looked at once', async () => {
  for (let n = 0; n < 20; n++) await queues.status('a', false)
  for (let n = 0; n < 20; n++) await queues.status('b', true)
  assert.equal(await depth(), 2)
  const { done } = work()
  await eventually(isEmpty)
  assert.deepEqual(done, ['b', 'a'])
})

for (const ended of [false, true]) {
  const kind = ended ? 'an end' : 'a change'
  test(`${kind} that comes while its status is looked at is looked at once more`, async () => {
    const { done } = work(async (id, times) => {
      if (times > 1) return
      // Nothing that is read after this has been seen.
      for (let n = 0; n < 5; n++) await queues.status(id, ended)
    })
    await queues.status('a', ended)
    await eventually(async () => done.length > 0 && (await isEmpty()))
    assert.deepEqual(done, ['a', 'a'])
  })

  test(`${kind} that comes while its status is about to be put off is not lost`, async () => {
    const { done } = work(async (id, times) => {
      if (times > 1) return
      await queues.status(id, ended)
      throw new RetryLater('the forge wants a rest', { afterMs: 50 })
    })
    await queues.status('a', ended)
    await eventually(async () => done.length > 1 && (await isEmpty()))
  })
}

test('ends come before what is still under way, also when all were put off', async () => {
  const seen = new Set<string>()
  for (const id of ['a', 'b']) await queues.status(id, false)
  await queues.status('end', true)
  const { done } = work(async (id) => {
    if (seen.has(id)) return
    seen.add(id)
    throw new RetryLater('held', { afterMs: 1 })
  })
  await eventually(async () => done.length >= 6 && (await isEmpty()))
  assert.equal(done[0], 'end')
  for (const id of ['a', 'b'])
    assert.ok(done.lastIndexOf('end') < done.lastIndexOf(id), done.join())
})

test('an end is not put off with what was under way before, nor with an earlier end', async () => {
  const { done } = work(async (_, times) => {
    if (times <= 2) throw new RetryLater('held', { afterMs: 3_600_000 })
  })
  await queues.status('a', false)
  await eventually(() => done.length === 1)
  await queues.status('a', true)
  await eventually(() => done.length === 2)
  await queues.status('a', true)
  await eventually(() => done.length === 3)
})

test('a status that is put off for longer than patience lasts is given up', async () => {
  const { failed } = work(() => Promise.reject(new RetryLater('away', { afterMs: 10 })), 100)
  await queues.status('a', false)
  await eventually(() => failed.length > 0)
  await eventually(async () => {
    await queues.status('a', false)
    return failed.length > 1
  })
})
