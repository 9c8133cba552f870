import assert from 'node:assert/strict'
import { it } from 'node:test'
import { PermanentError } from '../errors.ts'
import { clientsOf, sourceOf } from './clients.ts'
import { forges } from './index.ts'

const gitea = {
  url: 'https://git.acme.io',
  apiUrl: 'https://git.acme.io/api/v1',
  webhookSecrets: ['secret'],
  login: { token: 'token' },
}

it('a repository comes from its own forge, and from none that is not on any more', async () => {
  const source = sourceOf(clientsOf(forges, new Map([['gitea', gitea]])))
  const repository = { id: '1', host: 'git.acme.io', path: 'acme/app' }
  assert.equal(
    source.cloneUrl({ ...repository, forge: 'gitea' }),
    'https://git.acme.io/acme/app.git',
  )
  const elsewhere = { ...repository, forge: 'github' }
  assert.throws(() => source.cloneUrl(elsewhere), PermanentError)
  await assert.rejects(source.credential(elsewhere), PermanentError)
})
