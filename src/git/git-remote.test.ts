import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { repository } from '../../test/support/samples.ts'
import { startGitServer, type GitServer } from '../../test/support/git-server.ts'
import { hasSshServer, startSshServer, type SshServer } from '../../test/support/ssh-server.ts'
import type { GitCredential, SshKey } from '../builds/ports.ts'
import { PermanentError } from '../errors.ts'
import { createGitRemote } from './git-remote.ts'

const main = 'refs/heads/main'
const login = { username: 'robot', password: 'its-token' }

describe('git asked by the login of a Secret', { skip: !hasSshServer && 'no sshd here' }, () => {
  let git: GitServer
  let ssh: SshServer
  let sha: string
  before(async () => {
    git = await startGitServer({ login })
    ssh = await startSshServer(git.folder)
    sha = await git.commit('acme/app.git', { Dockerfile: 'FROM scratch', 'a b': '1' })
  })
  after(async () => {
    await ssh?.stop()
    await git?.stop()
  })

  const remote = (url: string, with_: GitCredential | SshKey) =>
    createGitRemote({
      access: async () => ({ url: `${url}/acme/app.git`, otherUrl: '', login: with_ }),
      secretOf: () => 'git-key',
    })

  const refusal = (with_: SshKey, url = ssh.url) =>
    remote(url, with_)
      .head(repository, main)
      .then(
        () => assert.fail('it was let in'),
        (error: unknown) => {
          assert.ok(error instanceof PermanentError, String(error))
          return error.message
        },
      )

  it('says by SSH what a ref points at and what changed, and leaves no key behind', async () => {
    const there = remote(ssh.url, ssh.login)
    assert.deepEqual(await there.head(repository, main), { object: sha, commit: sha })
    assert.equal(await there.head(repository, 'refs/heads/gone'), undefined)
    const next = await git.commit(
      'acme/app.git',
      { 'a b': '2' },
      { parent: sha, ref: 'refs/heads/x' },
    )
    assert.deepEqual(await there.changedFiles(repository, sha, next), ['Dockerfile', 'a b'])
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith('kanihook-ssh-'))
    assert.deepEqual(left, [])
  })

  it('takes a key as copies leave it: without its last line break, with those of Windows', async () => {
    const { privateKey, knownHosts } = ssh.login
    for (const copy of [privateKey.trimEnd(), privateKey.replaceAll('\n', '\r\n')]) {
      const there = remote(ssh.url, { privateKey: copy, knownHosts })
      assert.equal((await there.head(repository, main))?.commit, sha)
    }
  })

  it('is let in by a token of its own', async () => {
    assert.equal((await remote(git.url, login).head(repository, main))?.commit, sha)
    const wrong = remote(git.url, { ...login, password: 'another' })
    await assert.rejects(wrong.head(repository, main), /check Secret git-key/)
  })

  it('gives the key to no server that is not known, and says who has to do what', async () => {
    const known = { ...ssh.login, knownHosts: ssh.login.knownHosts.replace('127.0.0.1', 'other') }
    assert.match(
      await refusal(known),
      /^Host key of \[127\.0\.0\.1\]:\d+ is not in Secret git-key: add the output of ssh-keyscan/,
    )
  })

  it('gives it to no server that shows another key than before', async () => {
    const knownHosts = `${ssh.knownAs} ${ssh.stranger.publicKey}`
    assert.match(
      await refusal({ ...ssh.login, knownHosts }),
      /^Host key of \S+:\d+ is not the one in Secret git-key/,
    )
  })

  it('tells a key that is not let in from one that cannot be used', async () => {
    assert.match(
      await refusal({ ...ssh.login, privateKey: ssh.stranger.privateKey }),
      /^Git login refused for git\.example\.com\/acme\/app: is the public key of Secret git-key a deploy key there\?$/,
    )
    assert.match(
      await refusal({ ...ssh.login, privateKey: 'no key' }),
      /^The key in Secret git-key cannot be used/,
    )
  })
})
