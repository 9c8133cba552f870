import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { GitCredential, SshKey } from '../builds/ports.ts'
import { PermanentError } from '../errors.ts'
import { clientsOf, sourceOf } from './clients.ts'
import { forges } from './index.ts'

const gitea = {
  url: 'https://git.acme.io',
  apiUrl: 'https://git.acme.io/api/v1',
  webhookSecrets: ['secret'],
  login: { token: 'token' },
}

const repository = { forge: 'gitea', id: '1', host: 'git.acme.io', path: 'acme/app' }

const noSecrets = async (): Promise<never> => {
  throw new Error('no Secret is to be read')
}

it('a repository comes from its own forge, and from none that is not on any more', async () => {
  const source = sourceOf(clientsOf(forges, new Map([['gitea', gitea]])), noSecrets)
  assert.deepEqual(await source.access(repository, undefined), {
    url: 'https://git.acme.io/acme/app.git',
    otherUrl: 'ssh://git@git.acme.io/acme/app.git',
    login: { username: 'kanihook', password: 'token' },
  })
  const elsewhere = { ...repository, forge: 'github' }
  await assert.rejects(source.access(elsewhere, undefined), PermanentError)
})

it('the login in a Secret decides whether a repository is reached by SSH or by HTTPS', async () => {
  const secrets = new Map<string, GitCredential | SshKey>([
    ['key', { privateKey: 'k', knownHosts: 'h' }],
    ['robot', { username: 'robot', password: 'its token' }],
  ])
  const ports = {
    ...gitea,
    url: 'https://git.acme.io:3000/git',
    sshUrl: 'ssh://forgejo@ssh.acme.io:2222',
  }
  const source = sourceOf(clientsOf(forges, new Map([['gitea', ports]])), async (name) =>
    secrets.get(name)!,
  )
  const [byHttp, bySsh] = [
    'https://git.acme.io:3000/git/acme/app.git',
    'ssh://forgejo@ssh.acme.io:2222/acme/app.git',
  ]
  assert.deepEqual(await source.access(repository, 'key'), {
    url: bySsh,
    otherUrl: byHttp,
    login: secrets.get('key'),
  })
  assert.deepEqual(await source.access(repository, 'robot'), {
    url: byHttp,
    otherUrl: bySsh,
    login: secrets.get('robot'),
  })
})
