import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Repository } from '../../src/builds/push-event.ts'
import type { FailedDelivery, ForgeLogin } from '../../src/forges/forge.ts'
import { github } from '../../src/forges/github/index.ts'
import { createSweepStore } from '../../src/queue/sweep-store.ts'
import { createRedeliveries } from '../../src/sweep/redeliveries.ts'
import {
  createGithubStandIn,
  githubFaults,
  type GithubDelivery,
  type GithubHook,
  type GithubStandIn,
  type GithubStandInOptions,
} from '../stand-ins/github/stand-in.ts'
import { useRedis } from '../support/redis.ts'

/** Failed deliveries of GitHub's stand-in, asked for again on a real Redis. */

const redis = useRedis()
const url = 'https://hooks.example.com/webhooks/github'
const minute = 60_000
const hour = 60 * minute
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})
const token: ForgeLogin = { token: 'ghp_canary' }

let standIn: GithubStandIn
let asked: FailedDelivery[]
let refused: string[]

beforeEach(() => {
  asked = []
  refused = []
})
afterEach(async () => {
  await standIn.close()
  assert.deepEqual(standIn.violations, [])
})

let ids = 0

/** A delivery that failed ten minutes ago, unless said. */
const failed = (change: Partial<GithubDelivery> = {}): GithubDelivery => {
  ids += 1
  const at = Date.now() - 10 * minute
  return { id: ids, guid: `guid-${ids}`, event: 'push', code: 0, at, ...change }
}

const hookOf = (...deliveries: GithubDelivery[]): GithubHook => ({ id: 12, url, deliveries })

const repositoryOf = (path: string): Repository => ({
  forge: 'github',
  id: '',
  host: 'github.com',
  path,
})

/** Starts GitHub; what is returned asks it as one sweep does. */
async function startGithub(
  options: Partial<GithubStandInOptions>,
  login: ForgeLogin = token,
): Promise<() => Promise<void>> {
  standIn = await createGithubStandIn({
    repositories: [{ id: 7, path: 'acme/app' }],
    tokens: ['ghp_canary'],
    ...options,
  })
  const settings = { url: 'https://github.com', apiUrl: standIn.url, webhookSecrets: ['s'], login }
  const { deliveryLog } = github.client(settings)
  assert.ok(deliveryLog)
  const redeliver = createRedeliveries({
    logs: new Map([['github', deliveryLog]]),
    hookUrl: () => url,
    repositories: async () => Object.keys(options.hooks ?? { 'acme/app': [] }).map(repositoryOf),
    store: createSweepStore(redis.client),
    intervalMs: 10 * minute,
    now: Date.now,
    journal: {
      asked: (_, delivery) => void asked.push(delivery),
      refused: (_, error) => void refused.push((error as Error).message),
    },
  })
  return () => redeliver(new AbortController().signal)
}

/** As time does: the logs may be asked for again. */
async function forgetLogs(): Promise<void> {
  const claims = await redis.client.keys('*sweep-claim:log:*')
  if (claims.length > 0) await redis.client.del(...claims)
}

describe("a repository's webhook", () => {
  test('that failed is asked for again, over several pages, and each delivery once', async () => {
    const deliveries = [failed(), failed({ code: 502, event: 'pull_request' }), failed()]
    const sweep = await startGithub({ hooks: { 'acme/app': [hookOf(...deliveries)] } })
    await sweep()
    assert.deepEqual(
      standIn.resent,
      deliveries.map(({ id }) => id),
    )
    assert.deepEqual(
      asked.map(({ id }) => id),
      deliveries.map(({ guid }) => guid),
    )
    await forgetLogs()
    await sweep()
    assert.equal(standIn.resent.length, 3)
  })

  test('is left alone where it succeeded, is no push, is too old or has just failed', async () => {
    const hook = hookOf(
      failed({ code: 202 }),
      failed({ event: 'issues' }),
      failed({ at: Date.now() - 4 * 24 * hour }),
      failed({ at: Date.now() }),
    )
    await (
      await startGithub({ hooks: { 'acme/app': [hook] } })
    )()
    assert.deepEqual(standIn.resent, [])
  })

  test("of another's is not touched", async () => {
    const hook = { ...hookOf(failed()), url: 'https://ci.example.com/webhooks/github' }
    await (
      await startGithub({ hooks: { 'acme/app': [hook] } })
    )()
    assert.deepEqual(standIn.resent, [])
  })

  test('that failed often is asked for again bit by bit', async () => {
    const hook = hookOf(...Array.from({ length: 30 }, () => failed()))
    const sweep = await startGithub({ hooks: { 'acme/app': [hook] } })
    const counts = []
    for (let n = 0; n < 3; n++) {
      await sweep()
      await forgetLogs()
      counts.push(new Set(standIn.resent).size)
    }
    assert.deepEqual(counts, [20, 30, 30])
  })

  test('that is not sent again leaves the others to be, now and later', async () => {
    const deliveries = [failed({ again: githubFaults.invalid }), failed(), failed()]
    const sweep = await startGithub({ hooks: { 'acme/app': [hookOf(...deliveries)] } })
    await sweep()
    assert.deepEqual(
      standIn.resent,
      deliveries.slice(1).map(({ id }) => id),
    )
    assert.deepEqual(refused, [
      'GitHub refused the question about failed deliveries: 422 Unprocessable Entity (Validation Failed)',
    ])
    const left = await redis.client.pttl('{kanihook}:sweep-claim:log:github/acme/app')
    assert.ok(left <= hour, `${left} ms`)
    await forgetLogs()
    await sweep()
    assert.equal(refused.length, 1)
  })

  test('of so many repositories is asked for a few at a time, each once an hour', async () => {
    const hooks = Object.fromEntries(
      Array.from({ length: 7 }, (_, n) => [`acme/app-${n}`, [hookOf(failed())]]),
    )
    const sweep = await startGithub({ hooks })
    const counts = []
    for (let n = 0; n < 5; n++) {
      await sweep()
      counts.push(standIn.resent.length)
    }
    assert.deepEqual(counts, [2, 4, 6, 7, 7])
    assert.equal(standIn.requests.filter(({ path }) => path.endsWith('/hooks')).length, 7)
  })
})

test('a token that may not read webhooks is told of, and not tried again for a day', async () => {
  const account = { login: 'octocat', scopes: 'public_repo' }
  const sweep = await startGithub({ account, hooks: { 'acme/app': [hookOf(failed())] } })
  await sweep()
  assert.equal(refused.length, 1)
  assert.match(refused[0] ?? '', /may the token read and write webhooks/)
  const left = await redis.client.pttl('{kanihook}:sweep-claim:log:github/acme/app')
  assert.ok(left > 23 * hour, `${left} ms`)
})

test('a rate limit has the forge left alone for as long as it says', async () => {
  const sweep = await startGithub({ hooks: { 'acme/app': [hookOf(failed())] } })
  standIn.fail(githubFaults.rateLimit(Date.now() + hour))
  await sweep()
  await forgetLogs()
  const before = standIn.requests.length
  await sweep()
  assert.equal(standIn.requests.length, before)
})

test('a rate limit between two deliveries leaves the second one for later', async () => {
  const again = githubFaults.rateLimit(Date.now() + hour)
  const hook = hookOf(failed({ again: again }), failed())
  const sweep = await startGithub({ hooks: { 'acme/app': [hook] } })
  await sweep()
  await forgetLogs()
  await sweep()
  assert.deepEqual(standIn.resent, [])
  await redis.client.del('{kanihook}:sweep-paused:github')
  await sweep()
  assert.deepEqual(
    standIn.resent,
    hook.deliveries.slice(1).map(({ id }) => id),
  )
})

describe("an App's webhook", () => {
  const app = { id: '42', privateKey }
  const login = { appId: '42', privateKey }

  test('that failed is asked for again, once in an interval, whatever its repositories are', async () => {
    const sweep = await startGithub(
      { app, appHook: hookOf(failed(), failed({ code: 503 })) },
      login,
    )
    await sweep()
    assert.equal(standIn.resent.length, 2)
    const before = standIn.requests.length
    await sweep()
    assert.equal(standIn.requests.length, before)
  })

  test('that leads elsewhere is not touched', async () => {
    const appHook = { ...hookOf(failed()), url: 'https://other.example.com/hooks' }
    await (
      await startGithub({ app, appHook }, login)
    )()
    assert.deepEqual(standIn.resent, [])
  })
})
