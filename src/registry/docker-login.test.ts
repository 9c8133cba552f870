import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findLogin, readDockerConfig } from './docker-login.ts'

const auth = (user: string, password: string): { auth: string } => ({
  auth: Buffer.from(`${user}:${password}`).toString('base64'),
})

const userAt = (auths: object, registry: string, name = 'acme/app'): string | undefined => {
  const config = readDockerConfig(JSON.stringify({ auths }))
  assert(config)
  return findLogin(config, registry, name)?.username
}

describe('the login of a registry', () => {
  it('is read from auth, else from username and password', () => {
    const config = readDockerConfig(
      JSON.stringify({
        auths: { one: auth('u', 'p:with:colons'), two: { username: 'v', password: 'q' } },
      }),
    )
    const [one, two] = [config?.auths.get('one'), config?.auths.get('two')]
    assert.deepEqual([one?.username, one?.password], ['u', 'p:with:colons'])
    assert.deepEqual([two?.username, two?.password], ['v', 'q'])
  })

  it('is that of its host, whatever scheme and path the key has', () => {
    for (const key of ['reg.acme.io', 'https://reg.acme.io', 'https://reg.acme.io/v1/']) {
      assert.equal(userAt({ [key]: auth('u', 'p') }, 'reg.acme.io'), 'u', key)
    }
  })

  it('is never that of another host or port', () => {
    for (const key of ['reg.acme.io.evil', 'evil.io/reg.acme.io', 'acme.io', 'reg.acme.io:5000']) {
      assert.equal(userAt({ [key]: auth('u', 'p') }, 'reg.acme.io'), undefined, key)
    }
  })

  it('is that of the repository before that of the host', () => {
    const auths = { 'reg.acme.io': auth('host', 'p'), 'reg.acme.io/acme/app': auth('own', 'p') }
    assert.equal(userAt(auths, 'reg.acme.io'), 'own')
    assert.equal(userAt(auths, 'reg.acme.io', 'acme/other'), 'host')
  })

  it("of Docker Hub is under its one key alone, as Kaniko's keychain has it", () => {
    assert.equal(userAt({ 'https://index.docker.io/v1/': auth('u', 'p') }, 'docker.io'), 'u')
    for (const key of ['docker.io', 'index.docker.io', 'https://index.docker.io/v2/']) {
      assert.equal(userAt({ [key]: auth('u', 'p') }, 'docker.io'), undefined, key)
    }
  })

  it('is not read from what is no config.json', () => {
    for (const text of ['', 'no JSON', '[]', '{"auths":[]}', '{"auths":{"a":{"auth":7}}}']) {
      assert.equal(readDockerConfig(text), undefined, text)
    }
  })
})
