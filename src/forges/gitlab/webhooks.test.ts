import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import merge from '../../../test/fixtures/gitlab/merge-request.json' with { type: 'json' }
import push from '../../../test/fixtures/gitlab/push.json' with { type: 'json' }
import { gitlabDelivery } from '../../../test/stand-ins/gitlab/delivery.ts'
import { ConfigError } from '../../errors.ts'
import { gitlab } from './index.ts'

const url = 'https://gitlab.com'
const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const body = Buffer.from(JSON.stringify(push))
const now = Date.parse('2026-02-03T04:05:00Z')

const signed = gitlabDelivery({ secret: key, body, at: now, id: 'msg_1' })
const readerOf = (...webhookSecrets: string[]) => gitlab.webhooks({ url, webhookSecrets })
const read = (headers: object, receivedAt = now, reader = readerOf(key)) =>
  reader.read({ headers: { ...signed.headers, ...headers }, body, receivedAt })

describe("GitLab's signed webhooks", () => {
  it('are verified as Standard Webhooks shows', async () => {
    // The example of https://github.com/standard-webhooks/standard-webhooks
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      'x-gitlab-event': 'Note Hook',
    }
    const reader = readerOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    const message = await reader.read({
      headers,
      body: Buffer.from('{"test": 2432232314}'),
      receivedAt: 1614265330_000,
    })
    assert.deepEqual(message, { kind: 'other', event: 'Note Hook' })
  })

  it('are good for five minutes, before and after', async () => {
    for (const off of [-299_000, 0, 299_000]) await read({}, now + off)
    for (const off of [-301_000, 301_000, 86_400_000]) {
      await assert.rejects(read({}, now + off), { status: 401 })
    }
  })

  it('may carry several signatures, of which one must be right', async () => {
    const right = signed.headers['webhook-signature']
    const wrong = `v1,${createHmac('sha256', 'other').digest('base64')}`
    await read({ 'webhook-signature': `${wrong} v1a,${'A'.repeat(86)}== ${right}` })
    const bad = [wrong, `v2,${right?.slice(3)}`, right?.slice(3), `${right} `, `${right}  ${right}`]
    for (const signature of bad) {
      await assert.rejects(read({ 'webhook-signature': signature }), { status: 401 })
    }
  })

  it('are refused with another id or time than was signed, or without', async () => {
    const later = String(now / 1000 + 1)
    for (const value of [undefined, '', later, `${now / 1000}.0`, '1e9', `${now / 1000}, 1`]) {
      await assert.rejects(read({ 'webhook-timestamp': value }), { status: 401 })
    }
    for (const value of [undefined, '', 'msg_2', 'msg_1, msg_1']) {
      await assert.rejects(read({ 'webhook-id': value }), { status: 401 })
    }
  })

  it('take turns with secret tokens while one replaces the other', async () => {
    const reader = readerOf(key, 'plain')
    const plain = gitlabDelivery({ secret: 'plain', body })
    await read({}, now, reader)
    await reader.read({ ...plain, receivedAt: now })
    await assert.rejects(readerOf(key).read({ ...plain, receivedAt: now }), { status: 401 })
  })

  it('cannot be passed by sending the signing key as a token', async () => {
    const headers = { ...gitlabDelivery({ secret: 'x', body }).headers, 'x-gitlab-token': key }
    await assert.rejects(readerOf(key).read({ headers, body, receivedAt: now }), { status: 401 })
  })

  it('want a key that is base64; another is a fault of the settings, not shown', () => {
    for (const secret of ['whsec_', 'whsec_?!secret', 'whsec_abc']) {
      assert.throws(
        () => readerOf(secret),
        (error) =>
          error instanceof ConfigError &&
          error.message.includes('GITLAB_WEBHOOK_SECRETS') &&
          !error.message.includes('?!secret'),
      )
    }
  })
})

describe('a GitLab delivery without an id', () => {
  const identity = async (payload: object, event?: string) => {
    const body = Buffer.from(JSON.stringify(payload))
    const sent = gitlabDelivery({ secret: 'plain', body, ...(event ? { event } : {}) })
    const { 'idempotency-key': _, ...headers } = sent.headers
    const message = await readerOf('plain').read({ ...sent, headers, receivedAt: now })
    assert(message.kind === 'push')
    assert.equal(message.forgeId, undefined)
    return message.identity
  }

  it('is known by its project, ref, before and after', async () => {
    const first = await identity(push)
    assert.equal(await identity({ ...push, user_id: 5 }), first)
    assert(first.length <= 255)
    const other = [
      { ...push, ref: `refs/heads/${'x'.repeat(400)}` },
      { ...push, ref: `refs/heads/${'x'.repeat(400)}y` },
      { ...push, after: 'a'.repeat(40) },
      { ...push, before: 'a'.repeat(40) },
      { ...push, project: { ...push.project, id: 16 } },
    ]
    const identities = await Promise.all(other.map((payload) => identity(payload)))
    assert.equal(new Set([first, ...identities]).size, other.length + 1)
  })
  it('about a merge request is known by when that changed, too: it may be opened again at one commit', async () => {
    const changed = (attributes: object) =>
      identity(
        { ...merge, object_attributes: { ...merge.object_attributes, ...attributes } },
        'Merge Request Hook',
      )
    const opened = await changed({})
    assert.equal(await changed({ title: 'Another' }), opened)
    const later = { updated_at: '2026-02-03 22:00:00 UTC' }
    assert.notEqual(await changed({ action: 'reopen', ...later }), opened)
  })
})
