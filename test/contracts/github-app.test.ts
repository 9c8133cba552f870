import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Repository } from '../../src/builds/push-event.ts'
import { PermanentError, RetryLater } from '../../src/errors.ts'
import { github } from '../../src/forges/github/index.ts'
import type { ForgeClient } from '../../src/forges/forge.ts'
import type { AppOptions } from '../stand-ins/github/app.ts'
import {
  createGithubStandIn,
  githubFaults,
  type GithubStandIn,
} from '../stand-ins/github/stand-in.ts'

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})

const repositories = [
  { id: 7, path: 'acme/app' },
  { id: 8, path: 'acme/site' },
]
const [app, site] = repositories.map(({ id, path }): Repository => ({
  forge: 'github',
  host: 'github.com',
  id: `${id}`,
  path,
})) as [Repository, Repository]

const sha = 'a'.repeat(40)

describe('a GitHub App', () => {
  let standIn: GithubStandIn
  const start = async (options: Partial<AppOptions> = {}): Promise<ForgeClient> => {
    standIn = await createGithubStandIn({
      repositories,
      app: { id: '42', privateKey, ...options },
    })
    return clientOf()
  }
  const clientOf = (login = { appId: '42', privateKey }) =>
    github.client({
      url: 'https://github.com',
      apiUrl: standIn.url,
      webhookSecrets: ['secret'],
      login,
    })
  const post = (client: ForgeClient, repository = app) =>
    client.postStatus({
      repository,
      sha,
      ref: 'refs/heads/main',
      status: {
        context: 'kanihook/app',
        state: 'success',
        description: 'Pushed',
        targetUrl: 'https://kanihook.example.com/builds/1/2',
      },
      memory: undefined,
    })
  const tokensAsked = () =>
    standIn.requests.filter(({ path }) => path.endsWith('/access_tokens')).map(({ body }) => body)

  afterEach(async () => {
    await standIn.close()
    assert.deepEqual(standIn.violations, [])
  })

  it('gives git a token that reads one repository and no more', async () => {
    const client = await start()
    const { username, password } = await client.credential(app)
    assert.equal(username, 'x-access-token')
    assert.match(password, /^ghs_/)
    assert.deepEqual(tokensAsked(), [{ repository_ids: [7], permissions: { contents: 'read' } }])
  })

  it('gives a login by its name for a repository that a person named, one for each', async () => {
    const client = await start()
    for (const { path } of [app, site]) await client.credential({ ...app, id: '', path })
    const permissions = { contents: 'read' }
    assert.deepEqual(tokensAsked(), [
      { repositories: ['app'], permissions },
      { repositories: ['site'], permissions },
    ])
  })

  it('shows statuses with a token for that alone', async () => {
    const client = await start()
    await post(client)
    assert.deepEqual(tokensAsked(), [{ repository_ids: [7], permissions: { statuses: 'write' } }])
    assert.equal(standIn.statuses('acme/app', sha)[0]?.state, 'success')
  })

  it('asks once for what is needed many times, and apart for each repository', async () => {
    const client = await start()
    const many = await Promise.all([1, 2, 3].map(() => client.credential(app)))
    assert.equal(new Set(many.map(({ password }) => password)).size, 1)
    assert.equal((await client.credential(app)).password, many[0]?.password)
    assert.notEqual((await client.credential(site)).password, many[0]?.password)
    assert.equal(tokensAsked().length, 2)
  })

  it('hands out no token that ends within half an hour', async () => {
    const client = await start({ tokenLifeMs: 29 * 60_000 })
    const first = await client.credential(app)
    assert.notEqual((await client.credential(app)).password, first.password)
  })

  it('makes another token where GitHub does not take one any more, and posts with that', async () => {
    const client = await start()
    await post(client)
    standIn.revokeTokens()
    await post(client)
    assert.equal(await client.find(app).then((found) => found?.id), '7')
    standIn.revokeTokens()
    assert.equal(await client.find(app).then((found) => found?.id), '7')
    assert.equal(standIn.statuses('acme/app', sha).length, 2)
    assert.equal(tokensAsked().length, 4)
  })

  it('that is not installed there is told so', async () => {
    const client = await start({ installedOn: ['acme/app'] })
    await assert.rejects(client.credential(site), (error) => {
      assert(error instanceof PermanentError)
      assert.match(error.message, /is the App installed on acme\/site\?/)
      return true
    })
  })

  it('tries again after GitHub was down, and remembers no failure', async () => {
    const client = await start()
    standIn.fail(githubFaults.serverError)
    await assert.rejects(client.credential(app), RetryLater)
    standIn.fail(githubFaults.rateLimit(Date.now() + 60_000))
    await assert.rejects(client.credential(app), RetryLater)
    assert.match((await client.credential(app)).password, /^ghs_/)
  })

  it('with a key that is none, or of another App, is told so without showing it', async () => {
    await start()
    const broken = clientOf({ appId: '42', privateKey: privateKey.replace(/[A-Za-z]{9}/g, 'x') })
    const foreign = clientOf({ appId: '43', privateKey })
    for (const client of [broken, foreign]) {
      await assert.rejects(client.credential(app), (error) => {
        assert(error instanceof PermanentError)
        assert(!error.message.includes(privateKey.split('\n')[1] ?? ''))
        return true
      })
    }
  })
})

describe("GitHub's stand-in", () => {
  let standIn: GithubStandIn
  before(async () => {
    standIn = await createGithubStandIn({ repositories, tokens: ['token'] })
  })
  after(() => standIn.close())

  const ask = (path: string, body: object, token = 'token') =>
    fetch(`${standIn.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })

  it('says that it is one', async () => {
    const response = await ask(`/repos/acme/app/statuses/${sha}`, { state: 'success' })
    assert.equal(response.headers.get('x-stand-in'), 'github')
    assert.equal(response.status, 201)
  })

  it("refuses what GitHub's description does not know, and keeps account of it", async () => {
    const wrong = [
      await ask(`/repos/acme/app/statuses/${sha}`, { state: 'cancelled' }),
      await ask(`/repos/acme/app/statuses/${sha}`, { state: 'success', context: 7 }),
      await ask(`/repos/acme/app/status/${sha}`, { state: 'success' }),
    ]
    assert.deepEqual(
      wrong.map(({ status }) => status),
      [422, 422, 422],
    )
    assert.equal(standIn.violations.length, 3)
  })

  it('refuses what GitHub documents beside: rights, and 140 characters', async () => {
    const status = async (body: object, path = 'acme/app', token?: string) =>
      (await ask(`/repos/${path}/statuses/${sha}`, body, token)).status
    assert.equal(await status({ state: 'success' }, 'acme/app', 'wrong'), 401)
    assert.equal(await status({ state: 'success' }, 'acme/none'), 404)
    assert.equal(await status({ state: 'success', description: 'x'.repeat(141) }), 422)
    assert.equal(await status({ state: 'success', description: 'x'.repeat(140) }), 201)
  })
})
