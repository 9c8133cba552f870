import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Repository } from '../../src/builds/push-event.ts'
import { PermanentError, RetryLater } from '../../src/errors.ts'
import { createGitRemote } from '../../src/git/git-remote.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'

/** One file of a repository, read from a real git server. */

const repository: Repository = {
  forge: 'gitea',
  id: '1',
  host: 'git.example.com',
  path: 'acme/app',
}
const name = '.kanihook.yaml'
const login = { username: 'kanihook', password: 'token' }

const remoteOf = (git: Pick<GitServer, 'url'>, path = 'app', password = login.password) =>
  createGitRemote({
    access: async () => ({
      url: `${git.url}/acme/${path}.git`,
      otherUrl: '',
      login: { username: login.username, password },
    }),
  })

const served: [string, Parameters<typeof startGitServer>[0]][] = [
  ['leaves out what it is asked to', { config: { 'uploadpack.allowFilter': 'true' } }],
  ['leaves nothing out', {}],
  [
    'refuses to cut folders off',
    { config: { 'uploadpack.allowFilter': 'true', 'uploadpackfilter.tree.maxDepth': '0' } },
  ],
  [
    'refuses trees as filters',
    { config: { 'uploadpack.allowFilter': 'true', 'uploadpackfilter.tree.allow': 'false' } },
  ],
]

for (const [what, options] of served) {
  describe(`of a server that ${what}`, () => {
    let git: GitServer
    before(async () => {
      git = await startGitServer({ login, ...options })
    })
    after(() => git.stop())

    const fileAt = (commit: string) => remoteOf(git).file(repository, commit, name, 1024)

    test('a file in the root is read at the commit that is asked for', async () => {
      const parent = await git.commit('acme/app.git', { [name]: 'target: old\n', a: 'a' })
      const commit = await git.commit('acme/app.git', { [name]: 'target: ü\n' }, { parent })
      assert.deepEqual(await fileAt(commit), { text: 'target: ü\n' })
    })

    test('one that is not there, or in a folder alone, is none', async () => {
      const commit = await git.commit('acme/app.git', { [`sub/${name}`]: 'x' })
      assert.equal(await fileAt(commit), undefined)
    })

    test('what is no regular file is not followed', async () => {
      const link = await git.commit('acme/app.git', { [name]: { linkTo: 'other' }, other: 'x' })
      assert.deepEqual(await fileAt(link), {
        problem: 'is a symbolic link (commit a regular file)',
      })
      const folder = await git.commit('acme/app.git', { [`${name}/x`]: 'x' })
      assert.deepEqual(await fileAt(folder), { problem: 'is a folder (commit a regular file)' })
    })

    test('one that is too large is not read', async () => {
      const commit = await git.commit('acme/app.git', { [name]: '#'.repeat(1025) })
      assert.deepEqual(await fileAt(commit), { problem: 'is larger than 1 KiB (shorten it)' })
      assert.ok('text' in ((await remoteOf(git).file(repository, commit, name, 1025)) ?? {}))
    })
  })
}

describe('of any server', () => {
  let git: GitServer
  before(async () => {
    git = await startGitServer({ login, config: { 'uploadpack.allowFilter': 'true' } })
  })
  after(() => git.stop())

  test('an enormous one is refused by git before it is there', async () => {
    const huge = randomBytes(9 << 20).toString('hex')
    const commit = await git.commit('acme/app.git', { [name]: huge })
    // As large as is allowed: it is git that gives up.
    const found = await remoteOf(git).file(repository, commit, name, 64 << 20)
    assert.deepEqual(found, { problem: 'is larger than 65536 KiB (shorten it)' })
  })

  test('a repository of SHA-256 is read as well', async () => {
    const files = { [name]: 'target: x\n' }
    const commit = await git.commit('acme/newer.git', files, { sha256: true })
    assert.deepEqual(await remoteOf(git, 'newer').file(repository, commit, name, 1024), {
      text: 'target: x\n',
    })
  })

  test('a server that cannot be asked, or a commit that is gone, is asked again later; one that refuses is not', async () => {
    const commit = await git.commit('acme/app.git', { [name]: 'target: x\n' })
    const away = remoteOf({ url: 'http://127.0.0.1:9' })
    await assert.rejects(away.file(repository, commit, name, 1024), RetryLater)
    await assert.rejects(remoteOf(git).file(repository, 'f'.repeat(40), name, 1024), RetryLater)
    await assert.rejects(
      remoteOf(git, 'app', 'wrong').file(repository, commit, name, 1024),
      PermanentError,
    )
  })
})
