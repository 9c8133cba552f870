import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import type { ForgeExamination } from '../../src/forges/examination.ts'
import type { ForgeDriver, ForgeLogin } from '../../src/forges/forge.ts'
import { gitea } from '../../src/forges/gitea/index.ts'
import { github } from '../../src/forges/github/index.ts'
import { gitlab } from '../../src/forges/gitlab/index.ts'
import type { ForgeServer } from '../stand-ins/forge-server.ts'
import { createGiteaStandIn } from '../stand-ins/gitea/stand-in.ts'
import {
  createGithubStandIn,
  githubFaults,
  type GithubAccount,
  type GithubStandIn,
} from '../stand-ins/github/stand-in.ts'
import type { AppOptions } from '../stand-ins/github/app.ts'
import { createGitlabStandIn, type GitlabAccount } from '../stand-ins/gitlab/stand-in.ts'

/** What a login may lack, forge by forge: `severity: message`, one for each remark. */

const token = 'canary-token-5e1f'

async function examined(
  driver: ForgeDriver,
  server: ForgeServer,
  path: string,
  login: ForgeLogin = { token },
): Promise<string[]> {
  try {
    const { remarks }: ForgeExamination = await driver.examine({
      url: 'https://git.example.com',
      apiUrl: `${server.url}${path}`,
      login,
      webhookSecrets: ['secret'],
    })
    assert(!JSON.stringify(remarks).includes(token))
    return remarks.map(({ severity, message }) => `${severity}: ${message}`)
  } finally {
    await server.close()
  }
}

const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000)

describe("GitHub's doctor", () => {
  const ask = async (account: Partial<GithubAccount>, own = token): Promise<string[]> => {
    const standIn = await createGithubStandIn({
      repositories: [],
      tokens: [own],
      account: { login: 'octocat', ...account },
    })
    const remarks = await examined(github, standIn, '', { token: own })
    assert.deepEqual(standIn.violations, [])
    return remarks
  }

  it('tells the scopes of a classic token and what is left of its requests', async () => {
    assert.deepEqual(await ask({ scopes: 'read:org, repo' }), [
      "ok: the token is octocat's, with the scopes read:org, repo; 4990 of 5000 requests left",
    ])
  })

  it('does not claim to know what a fine-grained token may do', async () => {
    const [said, ...more] = await ask({})
    assert.match(said ?? '', /^ok: .*octocat's \(fine-grained: GitHub does not show what it may do/)
    assert.deepEqual(more, [])
  })

  it('a token that may set no status is an error, one for public repositories a warning', async () => {
    assert.match((await ask({ scopes: '' }))[1] ?? '', /^error: .*may not set commit statuses/)
    assert.match((await ask({ scopes: 'gist' }))[1] ?? '', /^error: /)
    for (const scopes of ['public_repo', 'repo:status']) {
      assert.match((await ask({ scopes }))[1] ?? '', /^warning: .*cannot clone private/)
    }
  })

  it('a token that may not ask for failed deliveries again is told so', async () => {
    const said = async (scopes: string): Promise<boolean> =>
      (await ask({ scopes })).some((remark) => /^ok: .*may not ask for failed deliver/.test(remark))
    assert.equal(await said('public_repo'), true)
    assert.equal(await said('public_repo, admin:repo_hook'), false)
    assert.equal(await said('repo'), false)
  })

  it('a token that ends within two weeks is a warning', async () => {
    const end = (days: number): string =>
      inDays(days).toISOString().replace('T', ' ').replace(/\..*/, ' UTC')
    const soon = await ask({ scopes: 'repo', expiresAt: end(5.5) })
    assert.match(soon[1] ?? '', /^warning: the token expires in 5 days \(\d{4}-/)
    assert.equal((await ask({ scopes: 'repo', expiresAt: end(15) })).length, 1)
  })

  it('a limit that is reached is an error that says when to ask again', async () => {
    const standIn = await createGithubStandIn({ repositories: [], tokens: [token] })
    standIn.fail(githubFaults.rateLimit(Date.now() + 600_000), 2)
    const remarks = await examined(github, standIn, '')
    assert.match(remarks[0] ?? '', /^error: .*rate limit exceeded/)
  })

  it('few requests left are a warning', async () => {
    const remarks = await ask({ scopes: 'repo', remaining: 12 })
    assert.equal(remarks[1], 'warning: 12 of 5000 requests left')
  })
})

describe("GitHub's doctor of an App", () => {
  const pem = (): string =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    }).privateKey
  const privateKey = pem()
  const ask = async (app: Partial<AppOptions>, key = privateKey): Promise<string[]> => {
    const standIn: GithubStandIn = await createGithubStandIn({
      repositories: [],
      app: { id: '42', privateKey, ...app },
    })
    const remarks = await examined(github, standIn, '', { appId: '42', privateKey: key })
    assert.deepEqual(standIn.violations, [])
    return remarks
  }

  it('names the App and how often it is installed', async () => {
    assert.deepEqual(await ask({}), ['ok: the App kanihook, installed once'])
    const more = await ask({
      installations: 3,
      permissions: { contents: 'write', statuses: 'write' },
    })
    assert.deepEqual(more, ['ok: the App kanihook, installed 3 times'])
  })

  it('names each permission that is missing', async () => {
    const remarks = await ask({ permissions: { metadata: 'read', statuses: 'read' } })
    assert.equal(remarks[1], 'error: the App lacks contents: read and commit statuses: write')
  })

  it('an App that is installed nowhere is an error', async () => {
    assert.equal((await ask({ installations: 0 }))[1], 'error: the App is installed nowhere')
  })

  it('another key is an error that does not show it', async () => {
    const key = pem()
    const remarks = await ask({}, key)
    assert.deepEqual(remarks, ['error: GitHub knows no App 42 with this key (401)'])
  })
})

describe("GitLab's doctor", () => {
  const ask = async (account: GitlabAccount): Promise<string[]> =>
    examined(
      gitlab,
      await createGitlabStandIn({ projects: [], tokens: [token], account }),
      '/api/v4',
    )

  it('tells the scopes', async () => {
    assert.deepEqual(await ask({ username: 'tanuki', scopes: ['api'] }), [
      "ok: the token is tanuki's, with the scopes api",
    ])
  })

  it('a token without api is an error, also where it does not show whose it is', async () => {
    const reader = await ask({ username: 'tanuki', scopes: ['read_api', 'read_repository'] })
    assert.match(reader[1] ?? '', /^error: .*lacks the scope api/)
    const cloner = await ask({ username: 'tanuki', scopes: ['read_repository'] })
    assert.match(cloner[0] ?? '', /^ok: .*do not show whose it is/)
    assert.match(cloner[1] ?? '', /^error: .*lacks the scope api/)
  })

  it('a token that ends within two weeks is a warning', async () => {
    const day = (days: number): string => inDays(days).toISOString().slice(0, 10)
    const account = { username: 'tanuki', scopes: ['api'] }
    const soon = await ask({ ...account, expiresAt: day(10) })
    assert.match(soon[1] ?? '', /^warning: the token expires in 9 days/)
    assert.equal((await ask({ ...account, expiresAt: day(16) })).length, 1)
  })
})

describe("Gitea's doctor", () => {
  const ask = async (...scopes: string[]): Promise<string[]> =>
    examined(
      gitea,
      await createGiteaStandIn({ repositories: [], tokens: [token], scopes }),
      '/api/v1',
    )

  it('tells the owner and the version', async () => {
    assert.deepEqual(await ask('all'), [
      "ok: the token is dev's, with write:repository; the server is 1.26.0",
    ])
  })

  it('a token with the one scope that is needed is fine', async () => {
    assert.deepEqual(await ask('write:repository'), [
      'ok: the token is valid (without read:user it does not show whose it is), with write:repository',
    ])
  })

  it('a token without write:repository is an error', async () => {
    const remarks = await ask('read:repository', 'read:user')
    assert.match(remarks[1] ?? '', /^error: .*lacks write:repository/)
  })

  it('asks about its scope without touching a repository', async () => {
    const standIn = await createGiteaStandIn({ repositories: ['acme/app'], tokens: [token] })
    await examined(gitea, standIn, '/api/v1')
    const posts = standIn.requests.filter(({ method }) => method !== 'GET')
    assert.deepEqual(
      posts.map(({ path }) => path),
      [`/api/v1/repos/-/-/statuses/${'0'.repeat(40)}`],
    )
  })
})
