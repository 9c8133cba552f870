import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ownSecretsOf, readOwnSecrets } from './own-secrets.ts'

const long = (name: string): string => `${name}-is-a-long-webhook-secret`
const entriesOf = (...names: string[]) =>
  names.map((webhookSecret) => ({ match: `github.com/${webhookSecret}/*`, webhookSecret }))

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanihook-own-'))
  await writeFile(join(dir, 'acme'), ` ${long('new')} , ${long('old')}\n`)
  await writeFile(join(dir, 'same'), long('new'))
  await writeFile(join(dir, 'short'), 'canary')
  await writeFile(join(dir, 'empty'), '\n')
  await writeFile(join(dir, 'half'), `${long('half')},,`)
})
after(() => rm(dir, { recursive: true }))

test('the secrets of an entry are those of its file, newest first', async () => {
  const { secrets, problems } = await readOwnSecrets(dir, entriesOf('acme', 'acme'), [])
  assert.deepEqual([...secrets], [['acme', [long('new'), long('old')]]])
  assert.deepEqual(problems, [])
})

test('a file that is not there, or is empty in part, has no secrets, and is told', async () => {
  const { secrets, problems } = await readOwnSecrets(dir, entriesOf('none', 'empty', 'half'), [])
  assert.equal(secrets.size, 0)
  assert.match(
    problems[0]!,
    /^webhookSecret none: .* cannot be read: ENOENT \(put it there\); until/,
  )
  for (const problem of problems.slice(1)) assert.match(problem, /holds an empty secret \(give it/)
  assert.equal(problems.length, 3)
})

test('so is every one where no folder is said', async () => {
  const { secrets, problems } = await readOwnSecrets(undefined, entriesOf('acme'), [])
  assert.equal(secrets.size, 0)
  assert.match(problems.join(), /^webhookSecret acme: WEBHOOK_SECRETS_DIR is not set \(set it/)
})

test('a secret that another entry or the forge also has is told, and so is a short one', async () => {
  const entries = entriesOf('acme', 'same', 'short')
  const { secrets, problems } = await readOwnSecrets(dir, entries, [long('old')])
  assert.equal(secrets.size, 3)
  assert.match(problems[0]!, /^webhookSecret acme: .* the secrets of a forge also hold/)
  assert.match(problems[1]!, /^webhookSecret same: .* those of webhookSecret acme also hold/)
  assert.match(problems[2]!, /^webhookSecret short: .* fewer than 16 characters/)
  assert.ok(!problems.join().includes('canary') && !problems.join().includes(long('new')))
})

test('only entries that may be about a host have a say there', () => {
  const secrets = new Map(['a', 'b', 'c'].map((name) => [name, [name]]))
  const entries = [
    { match: 'GitHub.com/acme/*', webhookSecret: 'a' },
    { match: 'gitlab.com/acme/*', webhookSecret: 'b' },
    { match: '**/acme/*', webhookSecret: 'c' },
  ]
  assert.deepEqual([...ownSecretsOf(secrets, entries, 'github.com').keys()], ['a', 'c'])
})
