import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import push from '../../../test/fixtures/gitea/push.json' with { type: 'json' }
import { giteaDelivery } from '../../../test/stand-ins/gitea/delivery.ts'
import { gitea } from './index.ts'

const secret = 'secret'
const sent = giteaDelivery({ secret, body: Buffer.from(JSON.stringify(push)) })
const reader = gitea.webhooks({ url: 'https://git.acme.io', webhookSecrets: [secret] })
const read = (headers: Readonly<Record<string, string>>) =>
  reader.read({ headers, body: sent.body, receivedAt: Date.now() })

/** As Forgejo names its headers. */
const forgejo = Object.fromEntries(
  Object.entries(sent.headers).map(([name, value]) => [name.replace('gitea', 'forgejo'), value]),
)

describe("Gitea's webhooks", () => {
  it('are the same from Forgejo, under its own names', async () => {
    const expected = await read(sent.headers)
    assert.equal(expected.kind, 'push')
    assert.deepEqual(await read(forgejo), expected)
    assert.deepEqual(await read({ ...forgejo, ...sent.headers }), expected)
  })

  it('are not believed on the GitHub headers that come along', async () => {
    const { 'x-gitea-signature': _, ...headers } = sent.headers
    await assert.rejects(read(headers), { status: 401 })
  })

  it('need every signature that is there to be right', async () => {
    for (const wrong of ['', 'a'.repeat(64)]) {
      const both = { ...forgejo, ...sent.headers, 'x-forgejo-signature': wrong }
      await assert.rejects(read(both), { status: 401 })
    }
  })
})
