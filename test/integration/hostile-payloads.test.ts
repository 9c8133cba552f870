import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import { forges } from '../../src/forges/index.ts'
import type { HttpServer } from '../../src/http/server.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createReceiver } from '../../src/webhooks/receiver.ts'
import type { WebhookFixtures } from '../contracts/forges/fixtures.ts'
import { giteaFixtures } from '../contracts/forges/gitea.ts'
import { githubFixtures } from '../contracts/forges/github.ts'
import { gitlabTokenFixtures } from '../contracts/forges/gitlab.ts'
import { between, createRandom, pick, type Random } from '../faults/random.ts'
import { badRefs, nastyBranchNames } from '../fixtures/branch-names.ts'
import { rulesOf } from '../support/samples.ts'
import { exchange, recordingQueue, send, textSink } from './receiver-support.ts'

/**
 * Signed bodies that a seed spoils: whoever has a secret, or a forge with a fault, can send them.
 * `FUZZ_SEED` repeats a run, `FUZZ_BODIES` makes it longer.
 */
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 32))
const count = Number(process.env['FUZZ_BODIES'] ?? 300)

const variants: readonly { readonly name: string; readonly fixtures: WebhookFixtures }[] = [
  { name: 'github', fixtures: githubFixtures.webhooks },
  { name: 'gitlab', fixtures: gitlabTokenFixtures.webhooks },
  { name: 'gitea', fixtures: giteaFixtures().webhooks },
]

/** JSON as text, so that it can be what no object of JavaScript is. */
const hostileValues: readonly string[] = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e999',
  '-1e999',
  '9007199254740993',
  '9'.repeat(400),
  '""',
  '[]',
  '{}',
  '[[]]',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00x"',
  '"\\u202e"',
  '"\\ufeff"',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toString":1}',
  '{"length":1e9}',
  '{"then":1}',
  '{"toJSON":1}',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"%s%n"',
  '"../../etc/passwd"',
  '"a\\r\\nX: y"',
  '"$(touch x)"',
  '"; touch x"',
  '"--upload-pack=touch x"',
  '"0000000000000000000000000000000000000000"',
  `"${'x'.repeat(100_000)}"`,
  `"${'é'.repeat(2_000)}"`,
  `"${'0'.repeat(64)}"`,
  '['.repeat(99) + ']'.repeat(99),
  '['.repeat(5_000) + ']'.repeat(5_000),
  ...badRefs.map((ref) => JSON.stringify(ref)),
  ...nastyBranchNames.map((name) => JSON.stringify(`refs/heads/${name}`)),
]
const hostileKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  '',
  'then',
  '\u0000',
  'ref',
]

/** Writes JSON with some of its values, keys and members spoilt. */
function spoilt(value: unknown, random: Random, chance: number): string {
  if (random() < chance) return pick(random, hostileValues)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => spoilt(item, random, chance)).join()}]`
  const members = Object.entries(value).flatMap(([name, inner]) => {
    const named = random() < chance ? pick(random, hostileKeys) : name
    const member = `${JSON.stringify(named)}:${spoilt(inner, random, chance)}`
    // Left out, or twice.
    const often = random() < chance ? pick(random, [0, 2]) : 1
    return Array<string>(often).fill(member)
  })
  return `{${members.join()}}`
}

/** Some bytes changed, left out or put in. */
function garbled(body: Buffer, random: Random): Buffer {
  const bytes = [...body]
  for (let times = between(random, 1, 8); times > 0; times--) {
    const put = random() < 0.5 ? [between(random, 0, 255)] : []
    bytes.splice(between(random, 0, bytes.length), between(random, 0, 3), ...put)
  }
  return Buffer.from(bytes)
}

const answered = new Set([200, 202, 400, 401, 413])

for (const { name, fixtures } of variants) {
  describe(`a signed body of ${name} that is spoilt`, () => {
    const [secret] = fixtures.secrets
    const queue = recordingQueue()
    let log = ''
    let receiver: HttpServer
    let port: number

    before(async () => {
      const driver = forges.find((forge) => forge.name === name)!
      const settings = { url: 'https://git.example.com', webhookSecrets: [secret] }
      receiver = createReceiver({
        forges: new Map([[name, driver.webhooks(settings)]]),
        knownForges: forges.map((forge) => forge.name),
        rules: rulesOf(),
        queue,
        logger: createLogger({
          level: 'error',
          format: 'json',
          destination: textSink((text) => (log += text)),
        }),
        pages: undefined,
      })
      port = await receiver.listen('127.0.0.1', 0)
    })
    after(() => receiver.close(0))

    it(`is taken or refused, and harms nothing (FUZZ_SEED=${seed})`, async () => {
      const random = createRandom(seed)
      const errors = new Set<string>()
      const statuses = new Map<number, number>()
      const { pullRequests } = fixtures
      for (let n = 0; n < count; n++) {
        const isPull = random() < 0.5
        const example = pick(random, isPull ? pullRequests.examples : fixtures.examples)
        const whole = Buffer.from(spoilt(example.payload, random, pick(random, [0.002, 0.02, 0.1])))
        const body = random() < 0.2 ? garbled(whole, random) : whole
        const delivery = fixtures.deliver({
          secret,
          body,
          ...(isPull ? { event: pullRequests.event } : {}),
        })
        const answer = await send(port, { path: `/webhooks/${name}`, ...delivery })
        const told = `body ${n}: ${answer.status} ${JSON.stringify(answer.body)} ${log}`
        assert.ok(answered.has(answer.status), told)
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        if (answer.status >= 400) {
          assert.deepEqual(Object.keys(answer.body), ['error'], told)
          errors.add(String(answer.body['error']))
        }
      }
      assert.equal(log, '', 'no fault of kanihook itself')
      // Constant sentences: nothing of a body is in them.
      assert.ok(errors.size <= 5, [...errors].join('\n'))
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
      for (const { event } of queue.accepted) {
        assert.equal(event.repository.host, 'git.example.com')
        assert.match(event.ref, /^refs\/(heads|tags|pull|merge-requests)\/[^\p{Cc} ~^:?*[\\]+$/u)
        assert.match(event.after, /^([0-9a-f]{40}|[0-9a-f]{64})$/)
        assert.match(event.repository.id, /^[1-9]\d*$/)
        assert.match(event.repository.path, /^[\w./-]+$/)
        assert.ok(!event.repository.path.includes('..'))
        assert.equal(Object.getPrototypeOf(event), Object.prototype)
      }
      // It is no test of one refusal: whole pushes are among them.
      assert.ok(
        (statuses.get(202) ?? 0) > 0 && (statuses.get(400) ?? 0) > 0,
        JSON.stringify([...statuses]),
      )
    })

    it('of 24 MB, or nested without end, is refused, and a good one is taken right after', async () => {
      const deep = Buffer.alloc(24 * 1024 * 1024, '[')
      const wide = Buffer.from(`{"ref":[${'0,'.repeat(6_000_000)}0]}`)
      for (const body of [deep, wide]) {
        const delivery = fixtures.deliver({ secret, body })
        const { status } = await send(port, { path: `/webhooks/${name}`, ...delivery })
        assert.equal(status, 400)
      }
      const body = Buffer.from(JSON.stringify(fixtures.payload({})))
      const good = await send(port, {
        path: `/webhooks/${name}`,
        ...fixtures.deliver({ secret, body }),
      })
      assert.equal(good.status, 202)
    })

    describe('on a connection that keeps no rules', () => {
      const request = (headers: string, body: string): string => {
        const { headers: given } = fixtures.deliver({ secret, body: Buffer.from(body) })
        const lines = Object.entries(given).map(([header, value]) => `${header}: ${value}\r\n`)
        return `POST /webhooks/${name} HTTP/1.1\r\nhost: x\r\n${lines.join('')}${headers}\r\n`
      }
      const good = JSON.stringify(fixtures.payload({}))
      const length = `content-length: ${Buffer.byteLength(good)}\r\n`
      const close = 'connection: close\r\n'
      const statusesOf = (received: string): string[] =>
        [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => String(status))

      it('each of several requests that are sent at once is answered, in order', async () => {
        const pushes = request(length, good) + good + request(length, good) + good
        const received = await exchange(port, `${pushes}${request(length + close, good)}${good}`)
        assert.deepEqual(statusesOf(received), ['202', '202', '202'])
      })

      it('a sender that closes its side hears the answer', async () => {
        const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        let received = ''
        socket.on('data', (data) => (received += data.toString()))
        socket.end(request(length + close, good) + good)
        await once(socket, 'close')
        assert.deepEqual(statusesOf(received), ['202'])
      })

      const junk: Readonly<Record<string, readonly [headers: string, body: string]>> = {
        'a length that is no number': ['content-length: 1x\r\n', good],
        'two lengths': [`${length}content-length: 1\r\n`, good],
        'a negative length': ['content-length: -1\r\n', good],
        'a length and chunks': [`${length}transfer-encoding: chunked\r\n`, good],
        'chunks that are none': ['transfer-encoding: chunked\r\n', 'zz\r\nxx\r\n\r\n'],
        'a chunk without end': ['transfer-encoding: chunked\r\n', `${'f'.repeat(20)}\r\nx`],
        'an encoding that there is not': ['transfer-encoding: gzip\r\n', good],
      }
      for (const [what, [headers, body]] of Object.entries(junk)) {
        it(`${what} is 400, and the connection is closed`, async () => {
          const before = queue.touched()
          const received = await exchange(port, request(headers, good) + body)
          assert.match(received, /^HTTP\/1\.1 400 [^{]+\r\n\r\n\{"error":"[^"]+"\}$/)
          assert.equal(queue.touched(), before)
        })
      }

      it('what follows a body that is longer than it says is no request, and neither is stored', async () => {
        const shorter = `content-length: ${Buffer.byteLength(good) - 1}\r\n`
        const before = queue.touched()
        const received = await exchange(port, request(shorter, good) + good)
        // Cut, it is neither signed nor JSON.
        assert.match(statusesOf(received).join(' '), /^40[01]( 400)?$/)
        assert.equal(queue.touched(), before)
      })

      it('many that open a connection and say nothing leave room for a push', async () => {
        const silent = Array.from({ length: 500 }, () => net.connect(port, '127.0.0.1'))
        try {
          await Promise.all(silent.map((socket) => once(socket, 'connect')))
          const push = fixtures.deliver({ secret, body: Buffer.from(good) })
          assert.equal((await send(port, { path: `/webhooks/${name}`, ...push })).status, 202)
        } finally {
          for (const socket of silent) socket.destroy()
        }
      })
    })
  })
}
