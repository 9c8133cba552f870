import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { githubPing } from '../../../test/contracts/forges/github.ts'
import { githubDelivery } from '../../../test/stand-ins/github/delivery.ts'
import { github } from './index.ts'

const secret = "It's a Secret to Everybody"
const reader = github.webhooks({ url: 'https://github.com', webhookSecrets: [secret] })

describe("GitHub's webhooks", () => {
  it('are verified as its documentation shows', async () => {
    const headers = {
      'x-hub-signature-256':
        'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      'x-github-event': 'push',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    }
    const read = (body: string) =>
      reader.read({ headers, body: Buffer.from(body), receivedAt: Date.now() })
    // The signature is right, so it is the body that is refused.
    await assert.rejects(read('Hello, World!'), { status: 400 })
    await assert.rejects(read('Hello, World.'), { status: 401 })
  })

  it('say ping when they are made', async () => {
    const body = Buffer.from(JSON.stringify(githubPing))
    const ping = githubDelivery({ secret, body, event: 'ping' })
    assert.deepEqual(await reader.read({ ...ping, receivedAt: Date.now() }), { kind: 'ping' })
  })

  it('are not believed on the signature by SHA-1 alone', async () => {
    const { headers, body } = githubDelivery({ secret, body: Buffer.from('{}') })
    const { 'x-hub-signature-256': _, ...rest } = headers
    const old = { ...rest, 'x-hub-signature': 'sha1=anything' }
    await assert.rejects(reader.read({ headers: old, body, receivedAt: 0 }), { status: 401 })
  })
})

describe("GitHub's API", () => {
  it('has an address for each kind of GitHub', () => {
    assert.equal(github.apiUrl('https://github.com'), 'https://api.github.com')
    assert.equal(github.apiUrl('https://acme.ghe.com'), 'https://api.acme.ghe.com')
    assert.equal(github.apiUrl('https://git.acme.io:8443'), 'https://git.acme.io:8443/api/v3')
  })
})
