import assert from 'node:assert/strict'
import { it } from 'node:test'
import { cloneTargets } from './clone-targets.ts'

const forge = (url: string) => ({ url, apiUrl: '', webhookSecrets: ['s'], login: { token: 't' } })
const forges = new Map([
  ['gitea', forge('https://git.acme.io:3000')],
  ['gitlab', forge('https://gitlab.com')],
])

it('a Secret is looked at once, with every repository that an entry names and the globs of others', () => {
  const targets = cloneTargets(
    [
      { match: 'gitlab.com/acme/open' },
      { match: 'Git.acme.io:3000/acme/a\\[b', cloneSecret: 'one' },
      { match: 'gitlab.com/acme/shop', cloneSecret: 'one' },
      { match: 'gitlab.com/acme/**', cloneSecret: 'two' },
    ],
    forges,
  )
  assert.deepEqual(targets, [
    {
      secret: 'one',
      forges: ['gitea', 'gitlab'],
      repositories: [
        { forge: 'gitea', id: '', host: 'git.acme.io:3000', path: 'acme/a[b' },
        { forge: 'gitlab', id: '', host: 'gitlab.com', path: 'acme/shop' },
      ],
      globs: [],
    },
    { secret: 'two', forges: ['gitlab'], repositories: [], globs: ['gitlab.com/acme/**'] },
  ])
})

it('a glob for the host is for each forge that it may mean, a host that no forge has for none', () => {
  const of = (match: string): readonly string[] =>
    cloneTargets([{ match, cloneSecret: 'one' }], forges)[0]?.forges ?? []
  assert.deepEqual(of('**'), ['gitea', 'gitlab'])
  assert.deepEqual(of('*.com/acme/*'), ['gitlab'])
  assert.deepEqual(of('{gitlab.com/a,git.acme.io:3000/b}'), ['gitea', 'gitlab'])
  assert.deepEqual(of('github.com/acme/*'), [])
  assert.deepEqual(of('github.com/acme/app'), [])
})
