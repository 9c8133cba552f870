import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAccess } from './access.ts'

const local = { host: 'localhost:9090' }

describe('the API without ADMIN_TOKENS', () => {
  const refuse = createAccess([])
  const status = (peer: string | undefined, headers = {}) =>
    refuse({ peer, headers: { ...local, ...headers } })?.status

  it('answers on the machine itself', () => {
    for (const peer of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) {
      assert.equal(status(peer), undefined, peer)
    }
    for (const host of ['localhost', '127.0.0.1:9090', '[::1]:9090', 'LOCALHOST:1']) {
      assert.equal(status('127.0.0.1', { host }), undefined, host)
    }
  })

  it('refuses other machines, and says what to set', () => {
    for (const peer of [
      '10.0.0.7',
      '192.168.1.1',
      '::ffff:10.0.0.7',
      '2001:db8::1',
      '',
      undefined,
    ]) {
      assert.equal(status(peer), 403, peer)
    }
    assert.match(refuse({ peer: '10.0.0.7', headers: local })?.error ?? '', /ADMIN_TOKENS/)
  })

  it('refuses a proxy on the machine, behind which anybody may be', () => {
    assert.equal(status('127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }), 403)
    assert.equal(status('127.0.0.1', { forwarded: 'for=127.0.0.1' }), 403)
  })

  it('refuses a web page that came in by a name of its own or from another site', () => {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '']) {
      assert.equal(status('127.0.0.1', { host }), 403, host)
    }
    assert.equal(status('127.0.0.1', { origin: 'https://evil.example' }), 403)
    assert.equal(status('127.0.0.1', { origin: 'null' }), 403)
    assert.equal(status('127.0.0.1', { 'sec-fetch-site': 'cross-site' }), 403)
    assert.equal(status('127.0.0.1', { origin: 'http://localhost:3000' }), undefined)
  })
})

describe('the API with ADMIN_TOKENS', () => {
  const refuse = createAccess(['first', 'second'])
  const status = (authorization?: string, peer = '10.0.0.7') =>
    refuse({ peer, headers: { ...local, ...(authorization && { authorization }) } })?.status

  it('answers whoever has one of them, wherever from', () => {
    assert.equal(status('Bearer first'), undefined)
    assert.equal(status('bearer second'), undefined)
  })

  it('refuses everybody else, on the machine itself too', () => {
    for (const given of [
      'Bearer third',
      'Bearer ',
      'Bearer first,second',
      'Basic first',
      'first',
    ]) {
      assert.equal(status(given), 401, given)
    }
    assert.equal(status(undefined, '127.0.0.1'), 401)
  })
})
