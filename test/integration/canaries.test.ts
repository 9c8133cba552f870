import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { fails, succeeds, type Script } from '../stand-ins/kubernetes/index.ts'
import { eventually } from '../support/eventually.ts'
import { everythingIn } from '../support/redis-contents.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { adminToken, forgeToken, install, path, type Installation } from './cli/installation.ts'

/**
 * Every secret that kanihook is given is looked for in all that it says, keeps and makes, at its most talkative. The
 * one place of a secret is the clone's Secret, which has the forge's token.
 */

const canary = (what: string): string => `canary-${what}-${randomBytes(9).toString('hex')}`
const canaries = {
  webhook: canary('webhook'),
  older: canary('older-webhook'),
  redis: canary('redis'),
  push: canary('push'),
  argument: canary('argument'),
  link: `${canary('link')}-${'x'.repeat(32)}`,
  admin: adminToken,
  forge: forgeToken,
}

let redis: TestRedis
let its: Installation
/** What was said in answers, bodies and headers alike. */
const said: string[] = []
/** Jobs and pods as they were while they ran, and their Secrets. */
const made: string[] = []
const secrets: string[] = []

before(async () => {
  redis = await startRedis(['--requirepass', canaries.redis])
  const redisUrl = new URL(redis.url)
  redisUrl.password = canaries.redis
  its = await install(
    `repositories:
      - match: "**"
        branches: ["**"]
        destination: registry.example.com/{owner}/{repo}
        pushSecret: push
        images: [{ name: app, buildArgs: { TOKEN: { secret: argument, key: token } } }]`,
    {
      REDIS_URL: redisUrl.href,
      LOG_LEVEL: 'trace',
      GITEA_WEBHOOK_SECRETS: `${canaries.webhook},${canaries.older}`,
      LINK_SECRETS: canaries.link,
    },
  )
  const auth = Buffer.from(`robot:${canaries.push}`).toString('base64')
  its.cluster.putSecret(
    'push',
    {
      '.dockerconfigjson': JSON.stringify({
        auths: { 'registry.example.com': { username: 'robot', password: canaries.push, auth } },
      }),
    },
    undefined,
    'kubernetes.io/dockerconfigjson',
  )
  its.cluster.putSecret('argument', { token: canaries.argument })
})
after(async () => {
  await its?.close()
  await redis?.stop()
})

/** Plays a script in a pod whose RUN step shows what it can. */
const talkative =
  (end: Script): Script =>
  async (pod) => {
    made.push(JSON.stringify([its.cluster.job(pod.job), pod.pod]))
    await eventually(() => pod.secret(pod.job), { what: "the clone's Secret" })
    secrets.push(JSON.stringify(pod.secret(pod.job)))
    pod.clone()
    pod.begin('build')
    for (const secret of [canaries.push, canaries.argument, forgeToken]) {
      pod.log('build', `RUN says ${secret} and ${Buffer.from(secret).toString('base64')}`)
    }
    made.push(JSON.stringify(its.cluster.job(pod.job)))
    await end({ ...pod, clone: () => undefined, begin: () => undefined })
  }

async function ask(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init)
  const text = await response.text()
  said.push(`${response.status} ${JSON.stringify([...response.headers])} ${text}`)
  return text
}

async function post(body: string, secret: string, headers: Record<string, string> = {}) {
  const delivery = giteaDelivery({ secret, body: Buffer.from(body) })
  const all = { ...delivery.headers, ...headers }
  await ask(`${its.kanihook.url}/webhooks/gitea`, { method: 'POST', headers: all, body })
}

async function push(branch: string): Promise<string> {
  const ref = `refs/heads/${branch}`
  const after = await its.git.commit(`${path}.git`, { Dockerfile: 'FROM scratch', branch }, { ref })
  const repository = { id: 1, full_name: path, default_branch: 'main' }
  await post(JSON.stringify({ ref, before: '0'.repeat(40), after, repository }), canaries.webhook)
  return after
}

const headers = { authorization: `Bearer ${adminToken}` }

/** As it stands, in base64 wherever it begins there, and in a URL. */
function forms(secret: string): string[] {
  const shifted = ['', 'a', 'ab'].map((before) =>
    Buffer.from(before + secret)
      .toString('base64')
      .slice(before ? 4 : 0, -4),
  )
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('hex'), ...shifted]
}

test('no secret is in a line of the log, a record, a Job, a metric, a page, a status or an answer', async () => {
  its.runner.byDefault(talkative(succeeds))
  const shas = [await push('good')]
  await eventually(() => secrets.length === 1, { within: 20_000, what: 'the good one runs' })
  its.runner.byDefault(
    talkative(
      fails({ exitCode: 1 }, `error building image: ${canaries.push} ${canaries.argument}`),
    ),
  )
  shas.push(await push('bad'))

  const builds = await eventually(
    async () => {
      const found = await its.kanihook.api<{ builds: { id: string; state: string }[] }>('/builds', {
        headers,
      })
      const ends = new Set(found.builds.map(({ state }) => state))
      return ends.has('succeeded') && ends.has('failed') && found.builds
    },
    { within: 30_000, what: 'one succeeds and one fails' },
  )

  // Hostile: a secret of somebody else, what is no push, secrets in bodies and headers.
  await post('{}', 'not a secret')
  for (const secret of [canaries.webhook, canaries.older]) {
    for (const body of ['{}', '[', `{"ref":"${canaries.webhook}"}`, `"${forgeToken}"`]) {
      await post(body, secret, {
        'x-secret': canaries.webhook,
        authorization: `token ${forgeToken}`,
      })
    }
  }
  await push('gone').then((sha) => shas.push(sha))
  const { adminUrl, url } = its.kanihook
  for (const where of [
    '/metrics',
    '/healthz',
    '/readyz',
    '/api/builds',
    '/api/openapi.json',
    '/nowhere',
  ]) {
    await ask(`${adminUrl}${where}`, { headers })
    await ask(`${adminUrl}${where}`, { headers: { authorization: `Bearer ${adminToken}x` } })
  }
  for (const { id } of builds) {
    await ask(`${adminUrl}/api/builds/${id}`, { headers })
    const log = await ask(`${adminUrl}/api/builds/${id}/log`, { headers })
    assert.match(log, /RUN says \*\*\*/)
  }
  for (const sha of shas) {
    const statuses = await ask(`${its.settings['GITEA_API_URL']}/repos/${path}/statuses/${sha}`, {
      headers: { authorization: `token ${forgeToken}` },
    })
    for (const { target_url: page } of JSON.parse(statuses) as { target_url: string }[]) {
      const { pathname } = new URL(page)
      await ask(`${url}${pathname}`)
      await ask(`${url}${pathname}x`)
    }
  }
  // A Redis that is away is told of by its address.
  const client = new Redis(its.settings['REDIS_URL'] as string)
  await client.config('SET', 'maxmemory', 1)
  await push('full')
  await client.config('SET', 'maxmemory', 0)
  const dumps = await client
    .keys('*')
    .then((keys) => Promise.all(keys.map((name) => client.dumpBuffer(name))))
  client.disconnect()

  const places = {
    'the log': its.kanihook.output.join('\n'),
    Redis: `${await everythingIn(its.settings['REDIS_URL'] as string)}${Buffer.concat(dumps.map((dump) => dump ?? Buffer.alloc(0))).toString('latin1')}`,
    'Jobs and pods': made.join('\n'),
    'requests to the cluster': its.cluster.requests.join('\n'),
    'answers, pages, statuses and metrics': said.join('\n'),
  }
  // The search finds what is there: the clone's Secret is where the token is meant to be.
  assert.ok(secrets.every((secret) => forms(forgeToken).some((form) => secret.includes(form))))
  for (const text of Object.values(places)) assert.ok(text.length > 500)
  for (const [what, secret] of Object.entries(canaries)) {
    for (const [place, text] of Object.entries(places)) {
      for (const form of forms(secret)) {
        const at = text.indexOf(form)
        assert.equal(
          at,
          -1,
          `${what} is in ${place}: ${text.slice(Math.max(0, at - 200), at + 100)}`,
        )
      }
    }
    if (secret === forgeToken) continue
    assert.ok(!secrets.some((text) => forms(secret).some((form) => text.includes(form))), what)
  }
})
