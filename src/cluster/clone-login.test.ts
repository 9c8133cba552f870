import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PermanentError } from '../errors.ts'
import { readCloneLogin } from './clone-login.ts'

const secret = (type: string | undefined, texts: Readonly<Record<string, string>>) => ({
  ...(type !== undefined && { type }),
  data: Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  ),
})

test('a Secret is a key or a token, by its type', () => {
  const key = { 'ssh-privatekey': 'the key', known_hosts: 'git.acme.io ssh-ed25519 A' }
  assert.deepEqual(readCloneLogin('git', secret('kubernetes.io/ssh-auth', key)), {
    privateKey: 'the key',
    knownHosts: 'git.acme.io ssh-ed25519 A',
  })
  const token = { username: 'robot', password: 'token' }
  assert.deepEqual(readCloneLogin('git', secret('kubernetes.io/basic-auth', token)), token)
})

const useless: [what: string, of: Parameters<typeof readCloneLogin>[1], says: RegExp][] = [
  ['that is not there', undefined, /^There is no Secret git \(cloneSecret\): make it/],
  [
    'without known_hosts',
    secret('kubernetes.io/ssh-auth', { 'ssh-privatekey': 'k' }),
    /^Secret git has no key known_hosts: add the output of ssh-keyscan, after comparing/,
  ],
  [
    'with an empty known_hosts',
    secret('kubernetes.io/ssh-auth', { 'ssh-privatekey': 'k', known_hosts: '\n' }),
    /^Secret git has no key known_hosts/,
  ],
  [
    'without a username',
    secret('kubernetes.io/basic-auth', { password: 'p' }),
    /^Secret git has no key username \(cloneSecret\): add it/,
  ],
  [
    'of another type',
    secret(undefined, { 'ssh-privatekey': 'k', known_hosts: 'h' }),
    /^Secret git is of the type Opaque: a cloneSecret is kubernetes\.io\/ssh-auth or/,
  ],
]

for (const [what, of, says] of useless) {
  test(`a Secret ${what} is an error that says what to do`, () => {
    assert.throws(
      () => readCloneLogin('git', of),
      (error) => error instanceof PermanentError && says.test(error.message),
    )
  })
}
