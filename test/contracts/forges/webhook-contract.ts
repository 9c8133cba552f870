import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeliveryRejected } from '../../../src/errors.ts'
import type { ForgeDriver, WebhookMessage, WebhookRequest } from '../../../src/forges/forge.ts'
import { badRefs, nastyBranchNames } from '../../fixtures/branch-names.ts'
import type { DeliveryOptions } from '../../stand-ins/signed-delivery.ts'
import type { PullRequestFields, PushFields, WebhookFixtures } from './fixtures.ts'

const url = 'https://git.example.com:8443'
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

const encode = (payload: unknown) => Buffer.from(JSON.stringify(payload))

/** The claims about a driver's WebhookReader. */
export function webhookContract(driver: ForgeDriver, fixtures: WebhookFixtures): void {
  const [newest, oldest, foreign] = fixtures.secrets
  const reader = driver.webhooks({ url, webhookSecrets: [newest, oldest] })
  const good = encode(fixtures.payload({}))

  const request = (body: Buffer, options: Partial<DeliveryOptions> = {}): WebhookRequest => ({
    ...fixtures.deliver({ secret: newest, ...options, body }),
    receivedAt: Date.now(),
  })
  const read = (body: Buffer, options: Partial<DeliveryOptions> = {}) =>
    reader.read(request(body, options))

  const withHeaders = (headers: WebhookRequest['headers'], body = good) => {
    const sent = request(body)
    return reader.read({ ...sent, headers: { ...sent.headers, ...headers } })
  }

  const push = async (message: Promise<WebhookMessage>) => {
    const read = await message
    assert.equal(read.kind, 'push')
    return read
  }

  const isRejected = (message: Promise<WebhookMessage>, ...statuses: number[]) =>
    assert.rejects(message, (error) => {
      assert(error instanceof DeliveryRejected, `not a rejection: ${String(error)}`)
      assert(statuses.includes(error.status), `${error.status}, not ${statuses.join(' or ')}`)
      return true
    })

  describe('a push is read', () => {
    for (const { claim, payload, expected } of fixtures.examples) {
      it(`of ${claim}`, async () => {
        const { event } = await push(read(encode(payload)))
        assert.deepEqual(event, {
          ...expected,
          repository: { forge: driver.name, host: 'git.example.com:8443', ...expected.repository },
        })
      })
    }

    it('with the newest and with the oldest secret, while they overlap', async () => {
      await push(read(good, { secret: newest }))
      await push(read(good, { secret: oldest }))
    })

    it('with SHA-256 object ids', async () => {
      const ids = { before: 'a'.repeat(64), after: 'B'.repeat(64) }
      const { event } = await push(read(encode(fixtures.payload(ids))))
      assert.equal(event.after, 'b'.repeat(64))
    })

    it('in Unicode, with and without a byte order mark', async () => {
      const body = encode(fixtures.payload({ ref: 'refs/heads/größe/日本語/🎉' }))
      for (const bytes of [body, Buffer.concat([byteOrderMark, body])]) {
        const { event } = await push(read(bytes))
        assert.equal(event.ref, 'refs/heads/größe/日本語/🎉')
      }
    })

    it('of every branch name that git takes, unchanged', async () => {
      for (const name of nastyBranchNames) {
        const ref = `refs/heads/${name}`
        const { event } = await push(read(encode(fixtures.payload({ ref }))))
        assert.equal(event.ref, ref)
      }
    })

    it('of a repository that has no default branch yet', async () => {
      const { event } = await push(read(encode(fixtures.payload({ defaultBranch: null }))))
      assert.equal(event.defaultBranch, undefined)
    })

    it('whatever else is in it, prototype keys too', async () => {
      const text = `{"__proto__":{"ref":"refs/heads/evil"},"constructor":{"prototype":1},${good.toString().slice(1)}`
      const { event } = await push(read(Buffer.from(text)))
      assert.deepEqual(event, (await push(read(good))).event)
      assert.equal(({} as { ref?: unknown }).ref, undefined)
    })
  })

  describe('a pull request is read', () => {
    const { event, examples, ignored, payload, ref } = fixtures.pullRequests
    const readPull = (body: unknown) => read(encode(body), { event })

    for (const { claim, payload, expected } of examples) {
      it(`of ${claim}`, async () => {
        const { event } = await push(readPull(payload))
        assert.deepEqual(event, {
          ...expected,
          repository: { forge: driver.name, host: 'git.example.com:8443', ...expected.repository },
        })
      })
    }

    it('as a push of its own ref, from whatever branch', async () => {
      const { event } = await push(readPull(payload({ number: 4711, head: 'a/größe;$(id)' })))
      assert.equal(event.ref, ref(4711))
      assert.equal(event.pullRequest?.head, 'a/größe;$(id)')
    })

    for (const { action, payload } of ignored) {
      it(`but not where it was only ${action}`, async () => {
        assert.deepEqual(await readPull(payload), { kind: 'other', event: `${event} (${action})` })
      })
    }

    it('and refused where it is not what such an event says', async () => {
      const wrong: readonly PullRequestFields[] = [
        ...[0, -1, 1.5, '12', null, 2 ** 40, '1/head\n'].map((number) => ({ number })),
        ...['', 'a b', 'a..b', '-x\n', 12, null].flatMap((name) => [
          { head: name },
          { base: name },
        ]),
        ...['', 'abc', 'g'.repeat(40), 'a'.repeat(41), null].map((sha) => ({ sha })),
        ...['yesterday', '', 12, null].map((updatedAt) => ({ updatedAt })),
        ...['app', 'acme/..', '-acme/app', null].map((path) => ({ path })),
        ...['', 'a\nb', 'x'.repeat(100), 12].map((action) => ({ action })),
        { headRepository: '140' },
      ]
      for (const fields of wrong) await isRejected(readPull(payload(fields)), 400)
      for (const body of [{}, { action: 'opened' }, []]) await isRejected(readPull(body), 400)
    })

    it('only with the right proof', async () => {
      const body = encode(payload({}))
      await isRejected(read(body, { event, secret: foreign }), 401)
    })
  })

  it('takes the host from the settings, never from the payload', async () => {
    assert(good.includes(fixtures.payloadHost), 'the payload names a host')
    const message = await push(read(good))
    assert(!JSON.stringify(message).includes(fixtures.payloadHost))
  })

  it('knows a delivery again by its identity', async () => {
    const identity = async (options: Partial<DeliveryOptions>, fields: PushFields = {}) =>
      (await push(read(encode(fixtures.payload(fields)), options))).identity
    assert.equal(await identity({ id: 'one' }), await identity({ id: 'one', secret: oldest }))
    assert.notEqual(await identity({ id: 'one' }), await identity({ id: 'two' }))
    assert((await identity({ id: 'x'.repeat(255) })).length <= 255)
  })

  it('calls an event that it does not act on by its name', async () => {
    const message = await read(encode({ anything: true }), { event: fixtures.otherEvent })
    assert.deepEqual(message, { kind: 'other', event: fixtures.otherEvent })
  })

  describe('401, for', () => {
    it('an absent, empty, doubled, cut, longer or listed proof', async () => {
      const name = fixtures.proofHeader
      const proof = request(good).headers[name] as string
      const wrong = [
        undefined,
        '',
        ' ',
        `${proof}, ${proof}`,
        proof.slice(0, -1),
        `${proof}0`,
        proof.repeat(50),
        'sha256=',
        'null',
        [proof],
        [proof, proof],
      ]
      for (const value of wrong) await isRejected(withHeaders({ [name]: value }), 401)
    })

    it('a secret that is not configured', () => isRejected(read(good, { secret: foreign }), 401))

    it('anything at all when no secret is configured', async () => {
      const closed = driver.webhooks({ url, webhookSecrets: [] })
      await isRejected(closed.read(request(good)), 401)
    })

    if (fixtures.signsBody) {
      it('the right signature of another body', async () => {
        const other = encode(fixtures.payload({ ref: 'refs/heads/other' }))
        const { headers } = request(other)
        await isRejected(reader.read({ ...request(good), headers }), 401)
      })

      it('a body that differs in white space alone', async () => {
        const { headers } = request(good)
        const body = Buffer.concat([good, Buffer.from('\n')])
        await isRejected(reader.read({ ...request(good), headers, body }), 401)
      })
    }

    it('a wrong proof before it looks at anything else', async () => {
      const { headers } = request(Buffer.from('not JSON'), { secret: foreign })
      const bare = { [fixtures.proofHeader]: headers[fixtures.proofHeader] }
      const body = Buffer.from('not JSON')
      await isRejected(reader.read({ headers: bare, body, receivedAt: Date.now() }), 401)
    })
  })

  describe('400, for', () => {
    it('an absent, empty or doubled event', async () => {
      const name = fixtures.eventHeader
      const event = request(good).headers[name] as string
      for (const value of [undefined, '', `${event}, ${event}`, [event]]) {
        await isRejected(withHeaders({ [name]: value }), 400)
      }
    })

    it('an empty, doubled or unsound delivery id, and none where the forge always sends it', async () => {
      const name = fixtures.idHeader
      const wrong = ['', 'a, a', ['a'], 'a/b', 'a\n', 'x'.repeat(256)]
      for (const value of wrong) await isRejected(withHeaders({ [name]: value }), 400)
      if (fixtures.needsId) await isRejected(withHeaders({ [name]: undefined }), 400)
      else await push(withHeaders({ [name]: undefined }))
    })

    it('a body that is not a JSON object', async () => {
      for (const text of ['', '{', '[]', 'null', '1', '"text"', 'true', '[{}]', 'payload=%7B%7D']) {
        // Octokit cannot verify an empty body: to it the signature is wrong.
        await isRejected(read(Buffer.from(text)), ...(text === '' ? [400, 401] : [400]))
      }
    })

    it('a body that is not UTF-8', async () => {
      const body = Buffer.from(good.toString().replace('refs/heads/', 'refs/heads/\xff'), 'latin1')
      await isRejected(read(body), 400, 401)
    })

    it('JSON that is nested without end, and does not fall over', async () => {
      const deep = (open: string, close: string) =>
        Buffer.from(
          `{"x":${open.repeat(50_000)}1${close.repeat(50_000)},${good.toString().slice(1)}`,
        )
      await isRejected(read(deep('[', ']')), 400)
      await isRejected(read(deep('{"a":', '}')), 400)
      await isRejected(read(Buffer.from('['.repeat(5_000_000))), 400)
    })

    it('a push without what a push has, or with it in another type', async () => {
      const wrong: readonly unknown[] = [null, 1, true, '', [], {}, ['refs/heads/main'], 'x']
      for (const field of ['ref', 'before', 'after', 'path'] as const) {
        for (const value of wrong) {
          await isRejected(read(encode(fixtures.payload({ [field]: value }))), 400)
        }
      }
      for (const id of [null, '1', 0, -1, 1.5, 2 ** 53, true, [], {}]) {
        await isRejected(read(encode(fixtures.payload({ id }))), 400)
      }
      await isRejected(read(encode(fixtures.payload({ defaultBranch: 7 }))), 400)
      await isRejected(read(encode({})), 400)
    })

    it('object ids that are neither 40 nor 64 hex digits', async () => {
      for (const id of ['a'.repeat(39), 'a'.repeat(41), 'g'.repeat(40), `${'a'.repeat(40)}\n`]) {
        await isRejected(read(encode(fixtures.payload({ after: id }))), 400)
        await isRejected(read(encode(fixtures.payload({ before: id }))), 400)
      }
    })

    it('refs that git would not take, or that are neither a branch nor a tag', async () => {
      for (const ref of badRefs) await isRejected(read(encode(fixtures.payload({ ref }))), 400)
    })

    it('repository paths that could leave their place in a URL or a command', async () => {
      const paths = [
        'app',
        '/app',
        'acme/',
        'acme//app',
        '../app',
        'acme/..',
        'acme/a..b',
        './app',
        '-acme/app',
        'acme/--upload-pack=x',
        'acme/app@evil.example',
        'acme/a b',
        'acme/a\nb',
        'acme/a\u0000b',
        'acme/a%2fb',
        'acme/a?b',
        'acme/a#b',
        'acme\\app',
        `acme/${'a'.repeat(256)}`,
        Array(600).fill('a').join('/'),
      ]
      for (const path of paths) await isRejected(read(encode(fixtures.payload({ path }))), 400)
    })
  })

  it('refuses in constant words, which hold nothing of the request', async () => {
    const messages = await Promise.all(
      ['canary-one', 'canary-two'].map((canary) =>
        read(encode(fixtures.payload({ ref: canary }))).then(
          () => assert.fail('accepted'),
          (error: Error) => error.message,
        ),
      ),
    )
    assert.equal(messages[0], messages[1])
    assert(!messages[0]?.includes('canary'))
  })

  it('prints nothing', async (t) => {
    const writes = [t.mock.method(process.stdout, 'write'), t.mock.method(process.stderr, 'write')]
    await isRejected(read(good, { secret: foreign }), 401)
    await isRejected(read(Buffer.from('{')), 400)
    await push(read(good))
    const printed = writes.flatMap(({ mock }) =>
      mock.calls.map((call) => String(call.arguments[0])),
    )
    assert(!printed.some((text) => text.includes('octokit') || text.includes('refs/')))
  })
}
