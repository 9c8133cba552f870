import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loginValues } from './secret-values.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('the secret values of a registry login', () => {
  it('are passwords, tokens, and the two of them in base64', () => {
    const auths = {
      'registry.example.com': { auth: base64('robot:pass:word') },
      'other.example.com': { username: 'u', password: 'another-one', identitytoken: 'identity' },
    }
    assert.deepEqual(loginValues(JSON.stringify({ auths })), [
      base64('robot:pass:word'),
      'pass:word',
      'another-one',
      'identity',
    ])
  })

  it('leave out what is too short to be told from ordinary words', () => {
    const auths = { a: { auth: base64('u:p'), password: 'abcde', registrytoken: 'abcdef' } }
    assert.deepEqual(loginValues(JSON.stringify({ auths })), ['abcdef'])
  })

  it('are none where there is no login', () => {
    for (const config of ['', 'not JSON', 'null', '{}', '{"auths":[]}', '{"auths":{"a":{}}}']) {
      assert.deepEqual(loginValues(config), [])
    }
  })
})
