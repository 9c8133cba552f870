import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { pino } from 'pino'
import { buildPlan, delivery, sha } from '../../test/support/samples.ts'
import type { Build } from '../builds/build.ts'
import type { LogLine } from '../builds/ports.ts'
import { PermanentError, RetryLater } from '../errors.ts'
import type { DeliveryRecord } from '../queue/delivery-queue.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { HttpServer } from '../http/server.ts'
import { createAdmin } from './admin.ts'
import { openapi } from './openapi.ts'
import type { AdminBuilds, BuildQuery } from './ports.ts'

const start = Date.parse('2026-01-31T12:00:00Z')

const running: Build = {
  ...buildPlan(),
  state: 'running',
  createdAt: start,
  endedAt: undefined,
  steps: [
    { name: 'queued', at: start },
    { name: 'starting', at: start + 1, note: 'Waiting for capacity' },
  ],
  outcome: undefined,
  tries: 1,
  stop: { why: 'superseded', bySha: sha('b') },
  protected: false,
}
const failed: Build = {
  ...running,
  ...buildPlan({ generation: 2 }),
  state: 'failed',
  createdAt: start + 1_000,
  endedAt: start + 9_000,
  outcome: { state: 'failed', reason: 'Dockerfile not found: Dockerfile' },
  stop: { why: 'cancelled', by: 'an operator' },
}
const succeeded: Build = {
  ...running,
  ...buildPlan({ generation: 3 }),
  state: 'succeeded',
  createdAt: start + 2_000,
  endedAt: start + 9_000,
  outcome: {
    state: 'succeeded',
    pushed: [{ destination: 'registry.example.com/acme/app:main', digest: 'sha256:1f2e' }],
  },
  stop: undefined,
}
const vulnerable: Build = {
  ...failed,
  ...buildPlan({ generation: 4 }),
  scans: [
    {
      part: 'linux/arm64',
      counts: { HIGH: 2 },
      findings: [{ severity: 'HIGH', id: 'CVE-2026-1', package: 'busybox', installed: '1' }],
    },
  ],
}
const all = [succeeded, failed, running, vulnerable]

const record: DeliveryRecord = {
  delivery: delivery(),
  state: 'planned',
  reason: undefined,
  builds: [running.id],
}

const line = (text: string): LogLine => ({
  container: 'build',
  time: '2026-01-31T12:00:01.000000001Z',
  text,
})

/** Builds in memory, with the semantics of the port. */
function fakeBuilds() {
  const get = async (id: string) => all.find((build) => build.id === id)
  const asked: BuildQuery[] = []
  const done: string[] = []
  let broken: Error | undefined
  let refusedBuild: string | undefined
  const builds: AdminBuilds = {
    async list(query) {
      asked.push(query)
      if (broken) throw broken
      return all.filter(({ state }) => !query.state || state === query.state).slice(0, query.limit)
    },
    get,
    log: async (_, from) => ({
      lines: [line('<b>größe'), line('second')].slice(Math.max(from - 7, 0)),
      dropped: 7,
    }),
    refusedStatus: async ({ id }) =>
      id === refusedBuild ? 'GitHub refused the status: 404 Not Found' : undefined,
    async rebuild(id, { by, verbosity }) {
      done.push(`rebuild ${id} by ${by}${verbosity ? `, ${verbosity}` : ''}`)
      const build = await get(id)
      return build && { ...running, ...buildPlan({ attempt: 2 }), cause: `rebuild by ${by}` }
    },
    async cancel(id, by) {
      done.push(`cancel ${id} by ${by}`)
      const build = await get(id)
      if (build?.endedAt !== undefined) throw new PermanentError('the build has ended already')
      return build
    },
  }
  return {
    builds,
    asked,
    done,
    fail: (error: Error) => (broken = error),
    refuse: (id: string) => (refusedBuild = id),
  }
}

describe('the port for operators', () => {
  let fake = fakeBuilds()
  let trusted: unknown[] = []
  let approved: unknown[] = []
  const checks = new Map<string, () => Promise<void>>()
  const workerChecks = new Map<string, () => Promise<void>>()
  let stoppedQueues: string[] = []
  let admin: HttpServer
  let url: string

  before(async () => {
    admin = createAdmin({
      logger: pino({ level: 'silent' }),
      metrics: createMetrics(),
      checks,
      workerChecks,
      stoppedQueues: () => stoppedQueues,
      tokens: [],
      // The fake of the running test.
      builds: {
        list: (query) => fake.builds.list(query),
        get: (id) => fake.builds.get(id),
        log: (id, from) => fake.builds.log(id, from),
        refusedStatus: (build) => fake.builds.refusedStatus(build),
        rebuild: (id, wish) => fake.builds.rebuild(id, wish),
        cancel: (id, by) => fake.builds.cancel(id, by),
      },
      deliveries: { get: async (id) => (id === record.delivery.id ? record : undefined) },
      pullRequests: {
        async approve(approval) {
          approved.push(approval)
          if (approval.number === 12) return 'github-1'
          throw new PermanentError('no pull request 13 of github.com/acme/app waits for approval')
        },
      },
      repositories: {
        async trust(repository) {
          trusted.push(repository)
          return repository.path === 'acme/app'
        },
      },
      pageUrl: (id) => `https://hooks.example.com/builds/${id}/key`,
    })
    url = `http://127.0.0.1:${await admin.listen('127.0.0.1', 0)}`
  })
  after(() => admin.close(0))
  beforeEach(() => {
    fake = fakeBuilds()
    trusted = []
    approved = []
    checks.clear()
    workerChecks.clear()
    stoppedQueues = []
  })

  const ajv = new Ajv2020({
    strict: false,
    formats: { 'date-time': (text) => !Number.isNaN(Date.parse(text)) },
  })
  ajv.addSchema(openapi, 'openapi')

  /** What the description says about an answer: the schema of its body. */
  function describedSchema(method: string, path: string, status: number, type: string) {
    const route = Object.keys(openapi.paths).find((template) =>
      new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    )
    assert(route, `${path} is not described`)
    const keys = [
      'paths',
      route,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      type,
      'schema',
    ]
    const pointer = keys.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
    return ajv.getSchema(`openapi#/${pointer}`)
  }

  /** Asks, and holds the answer against the description. */
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const type = (response.headers.get('content-type') ?? '').replace(/;.*/, '')
    const value: unknown = type === 'application/json' ? JSON.parse(text) : text
    const { pathname } = new URL(path, url)
    if (pathname.startsWith('/api/')) {
      const validate = describedSchema(method, pathname, response.status, type)
      assert(validate, `${method} ${path} ${response.status} ${type} is not described`)
      assert(validate(value), `${method} ${path}: ${ajv.errorsText(validate.errors)}`)
    }
    return { status: response.status, type, body: value as Record<string, unknown>, text }
  }

  const json = { accept: 'application/json' }

  const isRefused = (answer: Awaited<ReturnType<typeof ask>>, status: number) => {
    assert.equal(answer.status, status, answer.text)
    assert.deepEqual(Object.keys(answer.body), ['error'])
  }

  describe('health', () => {
    it('is alive as long as it answers', async () => {
      checks.set('redis', () => Promise.reject(new Error('gone')))
      assert.equal((await ask('GET', '/healthz')).status, 200)
    })

    it('fails, for a restart, when a queue is not consumed any more, and names it', async () => {
      stoppedQueues = ['builds', 'statuses']
      const answer = await ask('GET', '/healthz')
      isRefused(answer, 503)
      assert.match(String(answer.body['error']), /must be restarted.*\(builds, statuses\)/)
    })

    it('is ready when all that it needs is reachable', async () => {
      checks.set('redis', () => Promise.resolve())
      assert.equal((await ask('GET', '/readyz')).status, 200)
    })

    it('names what is not reachable, without saying where that is', async () => {
      checks.set('redis', () => Promise.reject(new Error('connect redis://:canary@10.0.0.1')))
      checks.set('cluster', () => Promise.resolve())
      const answer = await ask('GET', '/readyz')
      isRefused(answer, 503)
      assert.equal(answer.body['error'], 'not reachable: redis')
    })

    it('is ready for webhooks without the cluster, which only the worker needs', async () => {
      checks.set('redis', () => Promise.resolve())
      workerChecks.set('kubernetes', () => Promise.reject(new Error('gone')))
      const answer = await ask('GET', '/readyz')
      isRefused(answer, 503)
      assert.equal(answer.body['error'], 'not reachable: kubernetes')
      assert.equal((await ask('GET', '/readyz?role=receiver')).status, 200)
      isRefused(await ask('GET', '/readyz?role=other'), 400)
      checks.set('redis', () => Promise.reject(new Error('gone')))
      isRefused(await ask('GET', '/readyz?role=receiver'), 503)
    })

    it('does not wait for ever for what hangs', async () => {
      checks.set('redis', () => new Promise(() => undefined))
      const asked = performance.now()
      isRefused(await ask('GET', '/readyz'), 503)
      assert(performance.now() - asked < 5_000)
    })

    it('shows its metrics', async () => {
      const { status, type, text } = await ask('GET', '/metrics')
      assert.deepEqual([status, type], [200, 'text/plain'])
      assert.match(text, /^# HELP /)
    })
  })

  describe('builds', () => {
    it('are listed newest first, with a link to the page of each', async () => {
      const { body } = await ask('GET', '/api/builds')
      const builds = body['builds'] as Record<string, unknown>[]
      assert.deepEqual(
        builds.map(({ id }) => id),
        all.map(({ id }) => id),
      )
      assert.equal(builds[0]?.['page'], `https://hooks.example.com/builds/${succeeded.id}/key`)
      assert.equal(body['next'], null)
    })

    it('are listed by repository, state and time, page by page', async () => {
      const { body } = await ask(
        'GET',
        '/api/builds?repository=acme/app&state=failed&limit=1&before=2026-02-01T00:00:00Z',
      )
      const before = Date.parse('2026-02-01T00:00:00Z')
      assert.deepEqual(fake.asked, [
        { id: undefined, repository: 'acme/app', state: 'failed', limit: 1, before },
      ])
      assert.equal(body['next'], '2026-01-31T12:00:01.000Z')
    })

    it('are listed by what their id begins with', async () => {
      await ask('GET', '/api/builds?id=0f')
      assert.equal(fake.asked[0]?.id, '0f')
    })

    it('are not listed by what makes no sense', async () => {
      for (const query of [
        'limit=0',
        'limit=1000',
        'limit=x',
        'state=done',
        'before=yesterday',
        'limit=1&limit=2',
        'id=*',
        'id=',
      ]) {
        isRefused(await ask('GET', `/api/builds?${query}`), 400)
      }
    })

    it('show what was found in their images, with the severities of which there was nothing', async () => {
      const { body } = await ask('GET', `/api/builds/${vulnerable.id}`)
      assert.deepEqual(body['scans'], [
        {
          platform: 'linux/arm64',
          counts: { CRITICAL: 0, HIGH: 2, MEDIUM: 0, LOW: 0, UNKNOWN: 0 },
          findings: [
            { severity: 'HIGH', id: 'CVE-2026-1', package: 'busybox', installed: '1', fixed: null },
          ],
        },
      ])
    })

    it('show what became of them, without the values of build arguments', async () => {
      fake.refuse(failed.id)
      const { status, body, text } = await ask('GET', `/api/builds/${failed.id}`)
      assert.equal(body['statusRefused'], 'GitHub refused the status: 404 Not Found')
      assert.equal(status, 200)
      assert.equal(body['reason'], 'Dockerfile not found: Dockerfile')
      assert(!text.includes('buildArgs') && !text.includes('pushSecret'))
    })

    it('have a log in plain text, which says what was left out', async () => {
      const { status, type, text } = await ask('GET', `/api/builds/${failed.id}/log`)
      assert.deepEqual([status, type], [200, 'text/plain'])
      assert.equal(
        text,
        '(7 lines were left out)\n' +
          '2026-01-31T12:00:01.000000001Z build <b>größe\n' +
          '2026-01-31T12:00:01.000000001Z build second\n',
      )
    })

    it('have a log that is read on from where one stopped', async () => {
      const shown = (text: string) => ({ ...line(text), platform: null })
      const read = async (from: string) =>
        (await ask('GET', `/api/builds/${failed.id}/log?from=${from}`, undefined, json)).body
      assert.deepEqual(await read('0'), {
        lines: [shown('<b>größe'), shown('second')],
        dropped: 7,
        next: 9,
      })
      assert.deepEqual(await read('5'), {
        lines: [shown('<b>größe'), shown('second')],
        dropped: 2,
        next: 9,
      })
      assert.deepEqual(await read('8'), { lines: [shown('second')], dropped: 0, next: 9 })
      assert.deepEqual(await read('9'), { lines: [], dropped: 0, next: 9 })
      const { text } = await ask('GET', `/api/builds/${failed.id}/log?from=8`)
      assert.equal(text, '2026-01-31T12:00:01.000000001Z build second\n')
      for (const from of ['-1', '1.5', 'x']) {
        isRefused(await ask('GET', `/api/builds/${failed.id}/log?from=${from}`), 400)
      }
    })

    it('are built again', async () => {
      const { status, body } = await ask('POST', `/api/builds/${failed.id}/rebuild`)
      assert.equal(status, 202)
      assert.equal(body['attempt'], 2)
      assert.deepEqual(fake.done, [`rebuild ${failed.id} by an operator`])
    })

    it('are built again with another verbosity, of those that Kaniko knows', async () => {
      const path = `/api/builds/${failed.id}/rebuild`
      assert.equal((await ask('POST', path, { verbosity: 'debug' })).status, 202)
      // curl -d says that a body is a form, unless it is told otherwise.
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      assert.equal((await ask('POST', path, '{"verbosity":"trace"}', headers)).status, 202)
      assert.deepEqual(
        fake.done,
        ['debug', 'trace'].map((how) => `rebuild ${failed.id} by an operator, ${how}`),
      )
      for (const body of [{ verbosity: 'loud' }, { verbose: 'debug' }, [], '{']) {
        isRefused(await ask('POST', path, body), 400)
      }
      assert.equal(fake.done.length, 2)
    })

    it('are cancelled, unless they have ended', async () => {
      assert.equal((await ask('POST', `/api/builds/${running.id}/cancel`)).status, 202)
      const late = await ask('POST', `/api/builds/${failed.id}/cancel`)
      isRefused(late, 409)
      assert.equal(late.body['error'], 'the build has ended already')
    })

    it('that there are not are 404', async () => {
      isRefused(await ask('GET', '/api/builds/0'), 404)
      isRefused(await ask('GET', '/api/builds/0/log'), 404)
      isRefused(await ask('POST', '/api/builds/0/rebuild'), 404)
      isRefused(await ask('POST', '/api/builds/0/cancel'), 404)
    })

    it('cannot be changed by a link', async () => {
      for (const action of ['rebuild', 'cancel']) {
        const response = await fetch(`${url}/api/builds/${running.id}/${action}`)
        assert.equal(response.status, 404)
        await response.body?.cancel()
      }
      assert.deepEqual(fake.done, [])
    })
  })

  it('tells of a delivery what came and what was decided', async () => {
    const { status, body } = await ask('GET', `/api/deliveries/${record.delivery.id}`)
    assert.equal(status, 200)
    assert.deepEqual(body['builds'], [running.id])
    isRefused(await ask('GET', '/api/deliveries/github-0'), 404)
  })

  describe("approval of a pull request's commit", () => {
    const path = '/api/pull-requests/approve'
    const good = { repository: 'github.com/acme/app', number: 12, sha: 'a'.repeat(40) }

    it('is passed on, and answered with the delivery that is planned', async () => {
      const { status, body } = await ask('POST', path, good)
      assert.deepEqual([status, body], [202, { ...good, delivery: 'github-1' }])
      isRefused(await ask('POST', path, { ...good, number: 13 }), 409)
      assert.deepEqual(approved, [good, { ...good, number: 13 }])
    })

    it('is of one commit, by its whole id', async () => {
      const wrong = [
        {},
        { ...good, sha: 'aaaaaaa' },
        { ...good, sha: 'A'.repeat(40) },
        { ...good, sha: undefined },
        { ...good, number: '12' },
        { ...good, number: 0 },
        { ...good, repository: 'app' },
        { ...good, more: 1 },
      ]
      for (const body of wrong) isRefused(await ask('POST', path, body), 400)
      isRefused(await ask('POST', path), 400)
      assert.deepEqual(approved, [])
    })
  })

  describe('trust in a repository', () => {
    const path = '/api/repositories/trust'
    const good = { forge: 'github', path: 'acme/app', id: '42' }

    it('is given to a name that was seen, and to no other', async () => {
      assert.equal((await ask('POST', path, good)).status, 200)
      assert.deepEqual(trusted, [good])
      isRefused(await ask('POST', path, { ...good, path: 'acme/other' }), 404)
    })

    it('is not given by what makes no sense', async () => {
      const wrong = [
        {},
        [],
        null,
        { ...good, id: 42 },
        { ...good, id: '-1' },
        { ...good, more: 1 },
        '{',
      ]
      for (const body of wrong) isRefused(await ask('POST', path, body), 400)
      isRefused(await ask('POST', path), 400)
      assert.deepEqual(trusted, [])
    })
  })

  it('says when it cannot answer, and not what the driver said', async () => {
    fake.fail(new Error('connect redis://:canary@10.0.0.1'))
    const broken = await fetch(`${url}/api/builds`)
    assert.equal(broken.status, 500)
    assert.deepEqual(await broken.json(), { error: 'internal error' })
    fake.fail(new RetryLater('Redis does not answer'))
    const busy = await fetch(`${url}/api/builds`)
    assert.equal(busy.status, 503)
    assert.deepEqual(await busy.json(), { error: 'Redis does not answer' })
  })

  it('answers JSON to what it does not know', async () => {
    for (const path of ['/', '/api', '/api/nothing', '/builds', '/api/builds/%zz']) {
      const response = await fetch(`${url}${path}`)
      assert([400, 404].includes(response.status), path)
      assert.deepEqual(Object.keys((await response.json()) as object), ['error'])
    }
  })

  it('serves its description', async () => {
    const { body } = await ask('GET', '/api/openapi.json')
    assert.deepEqual(body, JSON.parse(JSON.stringify(openapi)))
  })

  it('guards the API with the tokens, and nothing else', async () => {
    const guarded = createAdmin({
      logger: pino({ level: 'silent' }),
      metrics: createMetrics(),
      checks,
      workerChecks,
      stoppedQueues: () => [],
      tokens: ['right'],
      builds: fake.builds,
      deliveries: { get: async () => undefined },
      pullRequests: { approve: async () => '' },
      repositories: { trust: async () => false },
      pageUrl: () => undefined,
    })
    const base = `http://127.0.0.1:${await guarded.listen('127.0.0.1', 0)}`
    const status = async (path: string, token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const response = await fetch(`${base}${path}`, { headers })
      await response.body?.cancel()
      return [response.status, response.headers.get('www-authenticate')]
    }
    try {
      for (const path of ['/api/builds', '/api/openapi.json', '/api/nothing', '/API/builds']) {
        assert.deepEqual(await status(path), [401, 'Bearer'], path)
        assert.deepEqual(await status(path, 'wrong'), [401, 'Bearer'], path)
      }
      assert.deepEqual(await status('/api/builds', 'right'), [200, null])
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        assert.deepEqual(await status(path), [200, null], path)
      }
    } finally {
      await guarded.close(0)
    }
  })
})
