import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectPatient } from '../../src/queue/redis.ts'
import { askForSweeps, sweepsQueue } from '../../src/queue/sweep-queue.ts'
import { createQueueWorker } from '../../src/queue/worker.ts'
import { eventually } from '../support/eventually.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()

test('of several workers one at a time sweeps, and a lost Redis does not end it', async () => {
  await using opened = new AsyncDisposableStack()
  const sweeps: string[] = []
  let running = 0
  let most = 0
  for (const name of ['first', 'second']) {
    const connection = connectPatient(redis.server.url)
    opened.defer(() => connection.disconnect())
    const worker = createQueueWorker<unknown, void>({
      queue: sweepsQueue,
      redis: connection,
      concurrency: 1,
      onError: () => undefined,
      async work() {
        most = Math.max(most, (running += 1))
        sweeps.push(name)
        // Long enough for the other to be asked many times meanwhile.
        await sleep(60)
        running -= 1
      },
    })
    opened.defer(() => worker.close())
    const asking = askForSweeps(redis.client, 10)
    opened.defer(() => asking.close())
  }
  await eventually(() => sweeps.length >= 5)
  assert.equal(most, 1)
  await redis.client.flushall()
  const before = sweeps.length
  await eventually(() => sweeps.length >= before + 5, { within: 30_000 })
})
