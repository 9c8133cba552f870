import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import type { LogLine } from '../../src/builds/ports.ts'
import type { PlanResult } from '../../src/builds/plan.ts'
import type { Delivery } from '../../src/builds/push-event.ts'
import { RetryLater } from '../../src/errors.ts'
import { gitea } from '../../src/forges/gitea/index.ts'
import { createDeliveryQueue, deliveriesQueue } from '../../src/queue/deliveries.ts'
import { createLogStore } from '../../src/queue/log-store.ts'
import { connectBounded } from '../../src/queue/redis.ts'
import { shareInUse } from '../../src/queue/room.ts'
import { createQueueWorker } from '../../src/queue/worker.ts'
import { createReceiver } from '../../src/webhooks/receiver.ts'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { delivery, rulesOf, sha, zeroSha } from '../support/samples.ts'
import { send, type Answer } from './receiver-support.ts'

/** More than a small Redis holds: real requests, a real Redis with a bound on its memory. */

const secret = 'a secret of the webhook'
let server: TestRedis
let redis: Redis

before(async () => {
  server = await startRedis(['--maxmemory', '10mb'])
  redis = connectBounded(server.url)
  await eventually(() => redis.status === 'ready')
})
beforeEach(async () => void (await redis.flushall()))
after(async () => {
  redis.disconnect()
  await server.stop()
})

function push(n: number): Parameters<typeof send>[1] {
  const body = Buffer.from(
    JSON.stringify({
      ref: `refs/heads/${'b'.repeat(900)}${n}`,
      before: zeroSha,
      after: sha('a'),
      repository: {
        id: 7,
        full_name: 'acme/app',
        html_url: 'https://git.example.com/acme/app',
        default_branch: 'main',
      },
    }),
  )
  return { path: '/webhooks/gitea', ...giteaDelivery({ secret, body }) }
}

test('a flood of valid pushes is refused when Redis is nearly full, and what was accepted is planned', async () => {
  const deliveries = createDeliveryQueue(redis)
  const decisions: string[] = []
  const receiver = createReceiver({
    forges: new Map([
      ['gitea', gitea.webhooks({ url: 'https://git.example.com', webhookSecrets: [secret] })],
    ]),
    knownForges: ['gitea'],
    rules: rulesOf(),
    queue: deliveries,
    logger: pino({ level: 'silent' }),
    metrics: { delivery: (_, decision) => decisions.push(decision) },
    pages: undefined,
  })
  const port = await receiver.listen('127.0.0.1', 0)
  const connection = new Redis(server.url, { maxRetriesPerRequest: null })
  try {
    const refused: Answer[] = []
    let accepted = 0
    for (let n = 0; n < 12_000 && refused.length === 0; n += 50) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => send(port, push(n + i))),
      )
      accepted += answers.filter(({ status }) => status === 202).length
      refused.push(...answers.filter(({ status }) => status !== 202))
    }
    assert.ok(accepted > 100 && refused.length > 0, `${accepted} accepted`)
    for (const { status, headers, body } of refused) {
      assert.equal(status, 503)
      assert.match(headers['retry-after'] ?? '', /^\d+$/)
      assert.match(String(body['error']), /send it again/)
    }
    assert.ok(decisions.includes('overloaded') && !decisions.includes('unavailable'))
    const full = await shareInUse(redis)
    assert.ok(full < 0.95, `${full}`)

    let planned = 0
    const worker = createQueueWorker<Delivery, PlanResult>({
      queue: deliveriesQueue,
      redis: connection,
      concurrency: 10,
      onError: () => undefined,
      async work() {
        planned += 1
        return { decision: 'planned', reason: '', builds: [], superseded: [] }
      },
    })
    await eventually(() => planned === accepted, { within: 60_000, what: 'all were planned' })
    await worker.close()
    await eventually(async () => {
      await deliveries.giveWay()
      return (await shareInUse(redis)) < 0.75
    })
    assert.equal((await send(port, push(20_000))).status, 202)
  } finally {
    await receiver.close(1_000)
    await deliveries.close()
    connection.disconnect()
  }
})

test('as many deliveries wait as may, and no more: what is there already is no further one', async () => {
  const deliveries = createDeliveryQueue(redis, { bound: 3 })
  const [first, ...others] = [delivery(), delivery(), delivery()]
  for (const each of [first, ...others]) await deliveries.accept(each)
  await assert.rejects(deliveries.accept(delivery()), (error) => {
    assert.ok(error instanceof RetryLater)
    assert.match(error.message, /^3 deliveries wait already/)
    return true
  })
  assert.equal(await deliveries.accept(first), 'duplicate')
  await deliveries.close()
})

test('of what nobody wanted the oldest is forgotten first', async () => {
  const deliveries = createDeliveryQueue(redis, { ignored: 2 })
  const all = [delivery(), delivery(), delivery()]
  for (const each of all) await deliveries.remember(each, 'no entry matches')
  await deliveries.remember(all[2]!, 'no entry matches')
  const known = await Promise.all(all.map(({ id }) => deliveries.get(id)))
  assert.deepEqual(
    known.map((record) => record?.state),
    [undefined, 'ignored', 'ignored'],
  )
  await deliveries.close()
})

const lines = (count: number): LogLine[] =>
  Array.from({ length: count }, (_, n) => ({
    container: 'build',
    time: `2026-01-31T12:00:00.${n}Z`,
    text: 'x'.repeat(1_000),
  }))

const kept = async (logs: ReturnType<typeof createLogStore>, id: string): Promise<number[]> => {
  const log = await logs.read(id)
  return [log.lines.length, log.dropped]
}

test('all logs together have a budget, and the oldest goes first', async () => {
  const logs = createLogStore({ redis, retentionMs: 60_000, budget: 25_000 })
  for (const id of ['a', 'b', 'c']) await logs.append(id, lines(10))
  assert.deepEqual(await kept(logs, 'a'), [0, 10])
  assert.deepEqual(await kept(logs, 'b'), [10, 0])
  assert.deepEqual(await kept(logs, 'c'), [10, 0])
  const sizes = await redis.hgetall('{kanihook}:log-sizes')
  const { '': total, ...each } = sizes
  assert.equal(
    Number(total),
    Object.values(each).reduce((all, size) => all + Number(size), 0),
  )
})

test('logs give way before a delivery is refused', async () => {
  const logs = createLogStore({ redis, retentionMs: 60_000 })
  const deliveries = createDeliveryQueue(redis)
  for (let n = 0; n < 120; n++) await logs.append(`b${n}`, lines(100))
  assert.ok((await shareInUse(redis)) < 0.85)
  assert.deepEqual(await kept(logs, 'b0'), [0, 100])
  assert.equal(await deliveries.accept(delivery()), 'accepted')
  await redis.config('SET', 'maxmemory', '7mb')
  try {
    await assert.rejects(deliveries.accept(delivery()), /of its maxmemory in use/)
    await logs.giveWay()
    assert.equal(await deliveries.accept(delivery()), 'accepted')
  } finally {
    await redis.config('SET', 'maxmemory', '10mb')
    await deliveries.close()
  }
})
