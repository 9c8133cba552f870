import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { publicUrlRemarks, type ProbeAnswer } from './public-url.ts'

const right: ProbeAnswer = { status: 405, allow: 'POST', location: null }

const say = (url: string, answer: ProbeAnswer): string[] =>
  publicUrlRemarks(url, answer).map(({ severity, message }) => `${severity}: ${message}`)

describe('PUBLIC_URL', () => {
  it('leads to kanihook where a GET of a webhook is 405 with Allow: POST', () => {
    assert.deepEqual(say('https://ci.acme.io', right), ['ok: leads to kanihook'])
    assert.match(say('https://ci.acme.io', { ...right, allow: null })[0] ?? '', /^error: something/)
    assert.match(say('https://ci.acme.io', { ...right, status: 404 })[0] ?? '', /HTTP 404/)
  })

  it('that is plain HTTP is a warning at a public host alone', () => {
    for (const host of ['ci.acme.io', '203.0.113.7', '[2001:db8::1]']) {
      assert.match(say(`http://${host}`, right)[0] ?? '', /^warning: is plain HTTP/, host)
    }
    for (const host of [
      '10.1.2.3',
      '192.168.0.1',
      '172.20.0.1',
      'kanihook',
      'ci.local',
      '[fd00::1]',
    ]) {
      assert.deepEqual(say(`http://${host}`, right), ['ok: leads to kanihook'], host)
    }
  })

  it('that leads to this machine alone is one warning, said once', () => {
    for (const host of ['localhost:8080', '127.0.0.1', '[::1]']) {
      const remarks = say(`http://${host}`, { reason: 'ECONNREFUSED' })
      assert.equal(remarks.length, 1)
      assert.match(remarks[0] ?? '', /^warning: leads to this machine alone/)
    }
  })

  it('that redirects is an error that shows no path', () => {
    const location = 'https://login.acme.io/?token=canary'
    const [said] = say('https://ci.acme.io', { status: 302, allow: null, location })
    assert.equal(said, 'error: redirects to https://login.acme.io, and no forge follows that')
  })

  it('that cannot be reached from here may be reached from elsewhere', () => {
    const [refused] = publicUrlRemarks('https://ci.acme.io', { reason: 'ECONNREFUSED' })
    assert.equal(refused?.severity, 'warning')
    assert.match(refused?.fix ?? '', /its own ingress from inside/)
    assert.match(say('https://ci.acme.io', { reason: 'ENOTFOUND' })[0] ?? '', /^error: .*DNS/)
    const [untrusted] = say('https://ci.acme.io', { reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    assert.match(untrusted ?? '', /^warning: its certificate is not trusted/)
  })
})
