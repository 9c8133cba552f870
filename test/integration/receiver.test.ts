import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { forges } from '../../src/forges/index.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import type { HttpServer } from '../../src/http/server.ts'
import type { WebhookDecision } from '../../src/webhooks/journal.ts'
import { createReceiver } from '../../src/webhooks/receiver.ts'
import type { ReceiverOptions } from '../../src/webhooks/receiver.ts'
import type { WebhookFixtures } from '../contracts/forges/fixtures.ts'
import { giteaFixtures } from '../contracts/forges/gitea.ts'
import { githubFixtures } from '../contracts/forges/github.ts'
import { gitlabSigningFixtures, gitlabTokenFixtures } from '../contracts/forges/gitlab.ts'
import { nastyBranchNames } from '../fixtures/branch-names.ts'
import { eventually } from '../support/eventually.ts'
import { rulesOf } from '../support/samples.ts'
import { exchange, mebibyte, recordingQueue, send, textSink } from './receiver-support.ts'
import type { Answer } from './receiver-support.ts'

const variants: readonly { name: string; route: string; fixtures: WebhookFixtures }[] = [
  { name: 'github', route: 'github', fixtures: githubFixtures.webhooks },
  { name: 'gitlab by token', route: 'gitlab', fixtures: gitlabTokenFixtures.webhooks },
  { name: 'gitlab by signing key', route: 'gitlab', fixtures: gitlabSigningFixtures.webhooks },
  { name: 'gitea', route: 'gitea', fixtures: giteaFixtures().webhooks },
]

it('is tried with every forge that there is', () => {
  const tried = new Set(variants.map(({ route }) => route))
  assert.deepEqual([...tried].toSorted(), forges.map(({ name }) => name).toSorted())
})

for (const { name, route, fixtures } of variants) {
  describe(`the receiver, for ${name}`, () => {
    const driver = forges.find((forge) => forge.name === route)!
    const [secret, older, foreign] = fixtures.secrets
    const path = `/webhooks/${route}`
    const push = (payload: object = fixtures.payload({})) => Buffer.from(JSON.stringify(payload))
    const signed = (
      body: Buffer,
      options: { secret?: string; event?: string; id?: string } = {},
    ) => ({
      path,
      ...fixtures.deliver({ secret, body, ...options }),
    })

    let queue = recordingQueue()
    let log = ''
    let counted: WebhookDecision[] = []
    let port: number
    let receiver: HttpServer

    const open = async (options: Pick<ReceiverOptions, 'limits' | 'inFlight'>) => {
      const urls = { url: 'https://git.example.com', webhookSecrets: [secret, older] }
      const server = createReceiver({
        forges: new Map([[route, driver.webhooks(urls)]]),
        knownForges: forges.map((forge) => forge.name),
        rules: {
          find: (repository) =>
            repository.path === 'nobody/wants' ? undefined : rulesOf().find(repository),
        },
        // The queue of the running test.
        queue: {
          accept: (delivery) => queue.accept(delivery),
          remember: (delivery) => queue.remember(delivery),
        },
        logger: createLogger({
          level: 'trace',
          format: 'json',
          destination: textSink((text) => (log += text)),
        }),
        metrics: { delivery: (_forge, decision) => counted.push(decision) },
        pages: undefined,
        ...options,
      })
      return { server, port: await server.listen('127.0.0.1', 0) }
    }

    before(async () => {
      const opened = await open({ inFlight: { requests: 4, bytes: 64 * mebibyte } })
      receiver = opened.server
      port = opened.port
    })
    after(() => receiver.close(0))
    beforeEach(() => {
      queue = recordingQueue()
      log = ''
      counted = []
    })

    /** The one error body that a status has, and not a trace anywhere else. */
    const isRefused = (answer: Answer, ...statuses: number[]) => {
      assert(statuses.includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`)
      assert.deepEqual(Object.keys(answer.body), ['error'])
      assert.equal(typeof answer.body['error'], 'string')
      assert.equal(queue.touched(), 0, 'something was stored')
    }

    it('stores a signed push and says so with 202 and its id', async () => {
      const answer = await send(port, signed(push()))
      assert.equal(answer.status, 202)
      assert.equal(answer.body['decision'], 'accepted')
      assert.match(String(answer.body['delivery']), new RegExp(`^${route}-[0-9a-f]{40}$`))
      assert.deepEqual(
        queue.accepted.map(({ id }) => id),
        [answer.body['delivery']],
      )
    })

    it('takes the older secret too, while both are set', async () => {
      const { status } = await send(port, signed(push(), { secret: older }))
      assert.equal(status, 202)
    })

    it('gives a delivery that is sent again the same id', async () => {
      const again = signed(push(), { id: 'b7e8c1d2-again' })
      const [first, second] = [await send(port, again), await send(port, again)]
      assert.equal(second.status, 202)
      assert.equal(second.body['decision'], 'duplicate')
      assert.equal(second.body['delivery'], first.body['delivery'])
    })

    it('answers an event of no interest with 200 and stores nothing', async () => {
      const { status, body } = await send(port, signed(push(), { event: fixtures.otherEvent }))
      assert.equal(status, 200)
      assert.equal(body['decision'], 'ignored')
      assert.equal(body['delivery'], null)
      assert.equal(queue.touched(), 0)
    })

    it('stores what happened to a pull request, as a push of its own ref', async () => {
      const { event, payload, ref } = fixtures.pullRequests
      const { status, body } = await send(port, signed(push(payload({ number: 7 })), { event }))
      assert.equal(status, 202)
      assert.equal(body['decision'], 'accepted')
      assert.deepEqual(
        queue.accepted.map((delivery) => delivery.event.ref),
        [ref(7)],
      )
    })

    it('answers what changes no head of a pull request with 200, and says what that was', async () => {
      const { event, ignored } = fixtures.pullRequests
      for (const { action, payload } of ignored) {
        const { status, body } = await send(port, signed(push(payload), { event }))
        assert.equal(status, 200)
        const reason = `kanihook does not act on the event ${event} (${action})`
        assert.deepEqual(body, { delivery: null, decision: 'ignored', reason })
      }
      assert.equal(queue.touched(), 0)
    })

    it('ignores a push that no entry wants, says why, and remembers it', async () => {
      const { status, body } = await send(
        port,
        signed(push(fixtures.payload({ path: 'nobody/wants' }))),
      )
      assert.equal(status, 202)
      assert.equal(body['decision'], 'ignored')
      assert.match(String(body['reason']), /git\.example\.com\/nobody\/wants/)
      assert.equal(queue.accepted.length, 0)
      assert.deepEqual(
        queue.remembered.map(({ id }) => id),
        [body['delivery']],
      )
    })

    describe('refuses with 405 and Allow', () => {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        it(`a ${method}, signed or not`, async () => {
          const { headers, status } = await send(port, { ...signed(push()), method })
          assert.equal(status, 405)
          assert.equal(headers.allow, 'POST')
          assert.equal(queue.touched(), 0)
        })
      }

      it('and neither counts nor logs it as a delivery: it may be a look at the address', async () => {
        await send(port, { path, method: 'GET' })
        await send(port, signed(push()))
        await eventually(() => log.includes('"decision":"accepted"'))
        assert.deepEqual(counted, ['accepted'])
        const [look] = log
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>)
        assert.equal(look?.['level'], 'debug')
        assert.equal(look?.['decision'], undefined)
      })
    })

    describe('refuses with 404', () => {
      it('a forge that is off, and one that there is not', async () => {
        const off = forges.find((forge) => forge.name !== route)!.name
        for (const other of [off, 'sourceforge', '%67ithub%00', '..%2fgithub', '__proto__']) {
          isRefused(await send(port, { ...signed(push()), path: `/webhooks/${other}` }), 404)
        }
      })

      it('any other path', async () => {
        for (const other of [
          '/',
          '/webhooks',
          '/webhooks/',
          `${path}/more`,
          '/builds',
          '/metrics',
        ]) {
          isRefused(await send(port, { ...signed(push()), path: other }), 404)
        }
      })
    })

    describe('refuses with 415', () => {
      const withHeaders = (headers: Record<string, string>) => {
        const request = signed(push())
        return send(port, { ...request, headers: { ...request.headers, ...headers } })
      }
      const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']
      for (const type of [...types, 'application/jsonp', 'text/json', 'json', '', 'é']) {
        it(`content type "${type}", and says which one is right`, async () => {
          const answer = await withHeaders({ 'content-type': type })
          isRefused(answer, 415)
          assert.match(String(answer.body['error']), /application\/json/)
        })
      }

      it('no content type', async () => {
        const request = signed(push())
        const { 'content-type': _, ...headers } = request.headers as Record<string, string>
        isRefused(await send(port, { ...request, headers }), 415)
      })

      for (const encoding of ['gzip', 'br', 'deflate', 'identity, gzip', 'x']) {
        it(`content encoding ${encoding}`, async () => {
          isRefused(await withHeaders({ 'content-encoding': encoding }), 415)
        })
      }

      it('but not the ways to write that it is JSON', async () => {
        for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset=UTF-8']) {
          assert.equal((await withHeaders({ 'content-type': type })).status, 202)
        }
      })
    })

    describe('refuses with 401', () => {
      const proof = fixtures.proofHeader
      const withProof = (value: string | string[] | undefined) => {
        const request = signed(push())
        const { [proof]: _, ...headers } = request.headers
        const given = value === undefined ? headers : { ...headers, [proof]: value }
        return send(port, { ...request, headers: given })
      }
      const right = () => signed(push()).headers[proof]!

      it('a proof that is absent, empty, cut short, drawn out or somebody else’s', async () => {
        isRefused(await withProof(undefined), 401)
        isRefused(await withProof(''), 401)
        isRefused(await withProof(right().slice(0, -1)), 401)
        isRefused(await withProof(`${right()}0`), 401)
        isRefused(await withProof('undefined'), 401)
        isRefused(await send(port, signed(push(), { secret: foreign })), 401)
      })

      it('a proof that comes twice', async () => {
        isRefused(await withProof([right(), right()]), 401)
        isRefused(await withProof([right(), 'wrong']), 401)
      })

      if (fixtures.signsBody) {
        it('a body that was changed on the way', async () => {
          const request = signed(push())
          const changed = request.body.toString().replace('refs/heads/', 'refs/heads/x')
          isRefused(await send(port, { ...request, body: Buffer.from(changed) }), 401)
        })

        it('no body under the signature of another', async () => {
          isRefused(await send(port, { ...signed(push()), body: Buffer.alloc(0) }), 401)
        })
      }

      it('before it looks at the body, and in the same words', async () => {
        const broken = await send(port, signed(Buffer.from('{"ref":'), { secret: foreign }))
        const fine = await send(port, signed(push(), { secret: foreign }))
        isRefused(broken, 401)
        assert.deepEqual(broken.body, fine.body)
        assert(!log.includes(foreign))
      })
    })

    describe('refuses with 400 what is signed and yet no push', () => {
      const bodies: Readonly<Record<string, Buffer>> = {
        nothing: Buffer.alloc(0),
        'half a document': Buffer.from('{"ref":"refs/heads/main"'),
        'bytes that are not UTF-8': Buffer.concat([push(), Buffer.from([0xff, 0xfe])]),
        'UTF-16': Buffer.from(push().toString(), 'utf16le'),
        'a form': Buffer.from('payload=%7B%7D'),
        null: Buffer.from('null'),
        'a list': Buffer.from('[]'),
        'a string': Buffer.from('"push"'),
        'an empty object': Buffer.from('{}'),
        'brackets 50,000 deep': Buffer.from('['.repeat(50_000) + ']'.repeat(50_000)),
        'an object 50,000 deep': Buffer.from('{"a":'.repeat(50_000) + '1' + '}'.repeat(50_000)),
        'a ref elsewhere': push(fixtures.payload({ ref: 'refs/notes/x' })),
        'a commit that is a flag': push(fixtures.payload({ after: '--upload-pack=reboot' })),
        'a commit that is a number': push(fixtures.payload({ after: 1 })),
        'a path upwards': push(fixtures.payload({ path: '../../etc' })),
      }
      for (const [what, body] of Object.entries(bodies)) {
        it(what, async () => {
          // GitHub's verifier works on text, so it may call what is not UTF-8 unsigned.
          isRefused(await send(port, signed(body)), 400, 401)
        })
      }
    })

    it('takes a byte order mark for what it is: signed, and no part of the JSON', async () => {
      const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), push()])
      assert.equal((await send(port, signed(body))).status, 202)
    })

    it('keeps every name of a branch that git accepts as it is', async () => {
      for (const branch of nastyBranchNames) {
        const ref = `refs/heads/${branch}`
        const { status } = await send(port, signed(push(fixtures.payload({ ref }))))
        assert.equal(status, 202, branch)
        assert.equal(queue.accepted.at(-1)?.event.ref, ref)
      }
    })

    describe('bounds the size', () => {
      const padded = (bytes: number) => {
        const body = push()
        return Buffer.concat([body, Buffer.alloc(bytes - body.length, ' ')])
      }

      it('to what GitHub may send: 20 MiB are fine', async () => {
        assert.equal((await send(port, signed(padded(20 * mebibyte)))).status, 202)
      })

      it('with 413 for 26 MiB, as it is announced and as it comes', async () => {
        isRefused(await send(port, signed(padded(26 * mebibyte))), 413)
        isRefused(await send(port, { ...signed(padded(26 * mebibyte)), chunked: true }), 413)
      })

      it('with 431 for headers without end', async () => {
        const request = signed(push())
        const headers = { ...request.headers, 'x-long': 'a'.repeat(20_000) }
        isRefused(await send(port, { ...request, headers }), 431)
      })
    })

    describe('bounds the time', () => {
      let hasty: Awaited<ReturnType<typeof open>>
      before(async () => {
        hasty = await open({ limits: { headersMs: 200, requestMs: 400, checkMs: 50 } })
      })
      after(() => hasty.server.close(0))
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`

      it('with 408 for a body that does not come', async () => {
        const answer = await exchange(hasty.port, `${head}Content-Length: 100\r\n\r\n{"ref":`)
        assert.match(answer, /^HTTP\/1\.1 408 [^{]+\r\n\r\n\{"error":"[^"]+"\}$/)
        assert.equal(queue.touched(), 0)
        await eventually(() => log.includes('"decision":"gone"'))
      })

      it('with 408 for headers that do not come', async () => {
        assert.match(await exchange(hasty.port, head), /^HTTP\/1\.1 408 [^{]+\{"error":"[^"]+"\}$/)
      })
    })

    it('answers what is no HTTP with 400 and closes', async () => {
      for (const bytes of ['\x16\x03\x01\x02\x00\r\n\r\n', 'POST\r\n\r\n', 'EHLO mail\r\n\r\n']) {
        assert.match(await exchange(port, bytes), /^HTTP\/1\.1 400 [^{]+\{"error":"[^"]+"\}$/)
      }
    })

    it('forgets a sender who hangs up in the middle', async () => {
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
      const socket = net.connect(port, '127.0.0.1')
      socket.write(`${head}Content-Length: 100\r\n\r\n{`, () => socket.destroy())
      await eventually(() => log.includes('"decision":"gone"'))
      assert.equal(queue.touched(), 0)
    })

    it('answers 429 with Retry-After over its cap, and takes pushes again after', async () => {
      let release = () => {}
      queue.held = new Promise((resolve) => (release = resolve))
      const waiting = Array.from({ length: 4 }, () => send(port, signed(push())))
      const refused = await eventually(async () => {
        const answer = await send(port, signed(push(), { secret: foreign }))
        return answer.status === 429 && answer
      })
      isRefused(refused, 429)
      assert(Number(refused.headers['retry-after']) > 0)
      release()
      for (const { status } of await Promise.all(waiting)) assert.equal(status, 202)
      assert.equal((await send(port, signed(push()))).status, 202)
    })

    it('answers 429 rather than hold more than its share of memory', async () => {
      const small = await open({ inFlight: { requests: 4, bytes: mebibyte } })
      try {
        const large = Buffer.concat([push(), Buffer.alloc(2 * mebibyte, ' ')])
        isRefused(await send(small.port, signed(large)), 429)
        // What the refused one held is free again.
        assert.equal((await send(small.port, signed(push()))).status, 202)
      } finally {
        await small.server.close(0)
      }
    })

    describe('answers 503 with Retry-After', () => {
      for (const behaviour of ['refuses', 'hangs'] as const) {
        it(`when the queue ${behaviour}, and does not say where the queue is`, async () => {
          queue.behaviour = behaviour
          const answer = await send(port, signed(push()))
          isRefused(answer, 503)
          assert(Number(answer.headers['retry-after']) > 0)
          assert(!JSON.stringify(answer.body).includes('10.0.0.1'))
          assert(log.includes('ECONNREFUSED'), 'the operator is told')
        })
      }

      it('but events of no interest need no queue', async () => {
        queue.behaviour = 'refuses'
        const { status } = await send(port, signed(push(), { event: fixtures.otherEvent }))
        assert.equal(status, 200)
      })
    })

    it('logs one line per delivery, with neither secret nor body nor headers', async () => {
      const canary = 'canary-in-the-body'
      const body = push({ ...fixtures.payload({}), canary })
      const request = signed(body)
      const headers = { ...request.headers, 'x-canary': 'canary-in-a-header' }
      await send(port, { ...request, headers })
      await eventually(() => log.endsWith('\n'))
      assert.equal(log.trimEnd().split('\n').length, 1)
      for (const hidden of ['canary', secret, older, request.headers[fixtures.proofHeader]!]) {
        assert(!log.includes(hidden), `logged: ${hidden}`)
      }
      const line = JSON.parse(log) as Record<string, unknown>
      assert.equal(line['forge'], route)
      assert.equal(line['decision'], 'accepted')
      assert.equal(line['delivery'], queue.accepted[0]?.id)
    })
  })
}
