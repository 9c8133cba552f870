import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError } from '../../errors.ts'
import { UsageError } from '../command.ts'
import { readApiSettings } from './settings.ts'

describe('where the API is, and who asks', () => {
  it('is this machine unless something is said, as in a pod of kanihook', () => {
    assert.deepEqual(readApiSettings({}), { url: 'http://127.0.0.1:9090', token: undefined })
    const pod = { ADMIN_PORT: '9191', ADMIN_TOKENS: 'first-admin-token,second-admin-token' }
    assert.deepEqual(readApiSettings(pod), {
      url: 'http://127.0.0.1:9191',
      token: 'first-admin-token',
    })
  })

  it('is what the option says before what the environment says', () => {
    const env = { KANIHOOK_URL: 'https://k.acme.io/admin/', KANIHOOK_TOKEN: 't', ADMIN_TOKENS: 'o' }
    assert.deepEqual(readApiSettings(env), { url: 'https://k.acme.io/admin', token: 't' })
    assert.equal(readApiSettings(env, 'http://localhost:1').url, 'http://localhost:1')
  })

  it('may come from a file', () => {
    const files: Record<string, string> = { '/run/token': 'from-the-file\n' }
    const env = { KANIHOOK_TOKEN_FILE: '/run/token' }
    assert.equal(readApiSettings(env, undefined, (path) => files[path]!).token, 'from-the-file')
  })

  it('is refused by name and never by value', () => {
    const fault = { KANIHOOK_URL: 'canary', KANIHOOK_TOKEN: 'can\nary', ADMIN_PORT: 'canary' }
    assert.throws(
      () => readApiSettings(fault),
      (error: ConfigError) => {
        assert.deepEqual(
          error.faults.map((each) => each.split(' ')[0]),
          ['ADMIN_PORT', 'KANIHOOK_URL', 'KANIHOOK_TOKEN'],
        )
        return !/can/.test(error.message.replaceAll('KANIHOOK', ''))
      },
    )
    assert.throws(() => readApiSettings({}, 'https://user:canary@k'), UsageError)
  })
})
