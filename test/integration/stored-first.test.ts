import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { forges } from '../../src/forges/index.ts'
import type { HttpServer } from '../../src/http/server.ts'
import { createDeliveryQueue, type OpenDeliveryQueue } from '../../src/queue/deliveries.ts'
import { connectBounded } from '../../src/queue/redis.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createReceiver } from '../../src/webhooks/receiver.ts'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { rulesOf, sha, zeroSha } from '../support/samples.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { send, textSink, type Answer } from './receiver-support.ts'

/**
 * What a forge is answered while Redis cannot store, through the real receiver on a real Redis. Redis is
 * reached by an address that stays, as behind a service name; what answers there may change.
 */

const secret = 'a secret of the webhook'

let server: TestRedis
let other: TestRedis
let operator: Redis
let proxy: TcpProxy
let producer: Redis
let queue: OpenDeliveryQueue
let receiver: HttpServer
let port: number

const portOf = ({ url }: TestRedis): number => Number(new URL(url).port)

before(async () => {
  // Nobody waits for a replica's first copy of nothing.
  const quick = ['--repl-diskless-sync-delay', '0', '--enable-debug-command', 'local']
  quick.push('--enable-protected-configs', 'local')
  ;[server, other] = await Promise.all([startRedis(quick), startRedis(quick)])
  operator = new Redis(server.url, { maxRetriesPerRequest: null })
  operator.on('error', () => undefined)
})
after(async () => {
  operator.disconnect()
  await Promise.all([server.stop(), other.stop()])
})
beforeEach(async () => {
  await operator.flushall()
  proxy = await startTcpProxy(portOf(server))
  producer = connectBounded(`redis://127.0.0.1:${proxy.port}`)
  queue = createDeliveryQueue(producer)
  const driver = forges.find(({ name }) => name === 'gitea')!
  receiver = createReceiver({
    forges: new Map([
      ['gitea', driver.webhooks({ url: 'https://git.example.com', webhookSecrets: [secret] })],
    ]),
    knownForges: ['gitea'],
    rules: rulesOf(),
    queue,
    logger: createLogger({
      level: 'fatal',
      format: 'json',
      destination: textSink(() => undefined),
    }),
    pages: undefined,
  })
  port = await receiver.listen('127.0.0.1', 0)
  await eventually(() => producer.status === 'ready')
})
afterEach(async () => {
  await receiver.close(0)
  await queue.close()
  producer.disconnect()
  await proxy.close()
})

/** A delivery that its forge sends as often as it takes. */
function sender(ref = 'refs/heads/main'): () => Promise<Answer & { readonly ms: number }> {
  const repository = { id: 7, full_name: 'acme/app', default_branch: 'main' }
  const body = Buffer.from(JSON.stringify({ ref, before: zeroSha, after: sha('a'), repository }))
  const delivery = giteaDelivery({ secret, body })
  return async () => {
    const startedAt = performance.now()
    const answer = await send(port, { path: '/webhooks/gitea', ...delivery })
    return { ...answer, ms: performance.now() - startedAt }
  }
}

/** Refused for now, in time: the forge hears it, and knows when to send again. */
function isPutOff({ status, headers, body, ms }: Answer & { readonly ms: number }): void {
  assert.equal(status, 503)
  assert.deepEqual(Object.keys(body), ['error'])
  assert.ok(Number(headers['retry-after']) > 0)
  assert.ok(ms < 2_000, `answered after ${ms} ms`)
}

const stored = async (url = server.url): Promise<number> => {
  const client = new Redis(url)
  try {
    return await client.zcard('{kanihook}:deliveries:prioritized')
  } finally {
    client.disconnect()
  }
}

/** Each puts Redis into a state in which it stores nothing, and returns how that ends. */
const troubles: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
  async 'is frozen'() {
    server.process.kill('SIGSTOP')
    return async () => server.process.kill('SIGCONT')
  },
  async 'is read-only, being a replica'() {
    await operator.replicaof('127.0.0.1', portOf(other))
    return () => operator.replicaof('NO', 'ONE')
  },
  async 'has too few replicas to write'() {
    await operator.config('SET', 'min-replicas-to-write', 1)
    return () => operator.config('SET', 'min-replicas-to-write', 0)
  },
  async 'is out of memory'() {
    await operator.config('SET', 'maxmemory', 1)
    return () => operator.config('SET', 'maxmemory', 0)
  },
  async 'cannot write its snapshots, as on a full disk'() {
    const [, folder] = (await operator.config('GET', 'dir')) as [string, string]
    await operator.config('SET', 'save', '3600 1')
    await rm(folder, { recursive: true })
    await operator.bgsave()
    await eventually(async () =>
      /rdb_last_bgsave_status:err/.test(await operator.info('persistence')),
    )
    return async () => {
      await mkdir(folder)
      await operator.config('SET', 'dir', folder)
      await operator.config('SET', 'save', '')
      await operator.bgsave()
      await eventually(async () =>
        /rdb_last_bgsave_status:ok/.test(await operator.info('persistence')),
      )
    }
  },
  async 'is busy with a script of somebody else'() {
    const own = new Redis(server.url)
    await operator.config('SET', 'busy-reply-threshold', 10)
    const running = own.eval('while true do end', 0).catch(() => undefined)
    await eventually(async () =>
      (await operator.ping().catch((error: Error) => error.message)).startsWith('BUSY'),
    )
    return async () => {
      await operator.script('KILL')
      await running
      own.disconnect()
    }
  },
  async 'loads what it had stored'() {
    await operator.call('DEBUG', 'POPULATE', 20_000)
    await operator.config('SET', 'loading-process-events-interval-bytes', 1024)
    await operator.config('SET', 'key-load-delay', 1_000)
    const loading = new Redis(server.url)
    const loaded = loading.call('DEBUG', 'RELOAD')
    await eventually(async () =>
      (await operator.ping().catch((error: Error) => error.message)).startsWith('LOADING'),
    )
    return async () => {
      await operator.config('SET', 'key-load-delay', 0).catch(() => undefined)
      await loaded
      loading.disconnect()
    }
  },
  async 'is not reached any more, without a word'() {
    proxy.freeze()
    proxy.freezeNew(true)
    return async () => proxy.freezeNew(false)
  },
  async 'was killed'() {
    const gone = Promise.withResolvers<void>()
    const back = Promise.withResolvers<void>()
    const restarted = server.restart(() => (gone.resolve(), back.promise))
    await gone.promise
    return () => (back.resolve(), restarted)
  },
}

describe('a forge is told within 2 s to send again, and what it sends is stored, once Redis can store again, where Redis', () => {
  for (const [what, begin] of Object.entries(troubles)) {
    test(what, async () => {
      const [first, second] = [sender('refs/heads/one'), sender('refs/heads/two')]
      const end = await begin()
      try {
        isPutOff(await first())
        // At one time, and again after the connection was found to be bad.
        for (const answer of await Promise.all([first(), second(), second()])) isPutOff(answer)
      } finally {
        await end()
      }
      const taken = await eventually(async () => {
        const answer = await first()
        return answer.status === 202 && answer
      })
      assert.ok((await queue.get(String(taken.body['delivery'])))?.state === 'queued')
      assert.equal((await second()).status, 202)
      assert.equal(await stored(), 2)
    })
  }
})

describe('when a replica takes over at the same address, pushes are stored in it, though the old primary', () => {
  let replica: Redis
  let before: ReturnType<typeof sender>

  beforeEach(async () => {
    before = sender('refs/heads/before')
    replica = new Redis(other.url)
    await replica.replicaof('127.0.0.1', portOf(server))
    await eventually(async () => /master_link_status:up/.test(await replica.info('replication')))
    assert.equal((await before()).status, 202)
    await eventually(async () => (await stored(other.url)) === 1)
  })
  afterEach(async () => {
    await replica.flushall()
    replica.disconnect()
  })

  const takesOver = async (): Promise<void> => {
    const during = sender('refs/heads/during')
    isPutOff(await during())
    await replica.replicaof('NO', 'ONE')
    proxy.leadTo(portOf(other))
    await eventually(async () => (await during()).status === 202)
    assert.equal((await before()).body['decision'], 'duplicate')
    assert.equal(await stored(other.url), 2)
  }

  test('still answers, as a replica', async () => {
    await operator.replicaof('127.0.0.1', portOf(other))
    try {
      await takesOver()
    } finally {
      await operator.replicaof('NO', 'ONE')
    }
  })

  test('is frozen, and hangs up on nobody', async () => {
    server.process.kill('SIGSTOP')
    try {
      await takesOver()
    } finally {
      server.process.kill('SIGCONT')
    }
  })

  test('was killed', async () => {
    server.process.kill('SIGKILL')
    try {
      await takesOver()
    } finally {
      await server.restart(async () => undefined)
    }
  })
})

/** Each a push of its own, all at one moment. */
const burst = (count: number): Promise<(Answer & { readonly ms: number })[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => sender(`refs/heads/${n}`)()))

test('1,000 pushes at one moment are stored, every one', async () => {
  const answers = await burst(1_000)
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]))
  assert.equal(await stored(), 1_000)
})

test('of many pushes at one moment to a frozen Redis none waits for the others', async () => {
  server.process.kill('SIGSTOP')
  try {
    for (const answer of await burst(300)) isPutOff(answer)
  } finally {
    server.process.kill('SIGCONT')
  }
})

test('a Redis that answers each command late does not make the forge wait for their sum', async () => {
  const push = sender()
  assert.equal((await push()).status, 202)
  const [job] = await operator.zrange('{kanihook}:deliveries:prioritized', '0', '0')
  // As one that failed to plan: its redelivery takes several commands.
  await operator
    .multi()
    .zrem('{kanihook}:deliveries:prioritized', String(job))
    .zadd('{kanihook}:deliveries:failed', Date.now(), String(job))
    .exec()
  proxy.slow(1_000)
  isPutOff(await push())
  proxy.slow(0)
  await eventually(async () => (await push()).status === 202)
  await eventually(async () => (await stored()) === 1)
})
