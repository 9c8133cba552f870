import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import express from 'express'
import { pino } from 'pino'
import { nastyBranchNames } from '../../test/fixtures/branch-names.ts'
import { eventually } from '../../test/support/eventually.ts'
import { buildPlan, imagePlan, sha } from '../../test/support/samples.ts'
import type { Build } from '../builds/build.ts'
import type { LogLine } from '../builds/ports.ts'
import { createHttpServer } from '../http/server.ts'
import type { HttpServer } from '../http/server.ts'
import { createLinkKeys } from './link-keys.ts'
import { createPages } from './pages.ts'
import type { PagesOptions } from './pages.ts'

const start = Date.parse('2026-01-31T12:00:00Z')

const build = (change: Partial<Build> = {}): Build => ({
  ...buildPlan(),
  state: 'running',
  createdAt: start,
  endedAt: undefined,
  steps: [
    { name: 'queued', at: start },
    { name: 'starting', at: start + 2_000 },
    { name: 'building', at: start + 3_500 },
  ],
  outcome: undefined,
  tries: 1,
  stop: undefined,
  protected: false,
  ...change,
})

const failed = build({
  state: 'failed',
  endedAt: start + 10_000,
  outcome: { state: 'failed', reason: 'Dockerfile not found: docker/Dockerfile' },
})

const line = (text: string, seconds = 1): LogLine => ({
  container: 'build',
  time: new Date(start + seconds * 1000).toISOString().replace('Z', '000001Z'),
  text,
})

describe('the page of a build', () => {
  const keys = createLinkKeys(['secret'])
  let server: HttpServer | undefined

  afterEach(async () => {
    await server?.close(0)
    server = undefined
  })

  async function serve(
    shown: Build | undefined,
    lines: LogLine[] = [],
    options: Partial<PagesOptions> & { dropped?: number } = {},
  ) {
    const app = express()
    const { dropped = 0, ...rest } = options
    app.use(
      createPages({
        builds: { get: async (id) => (id === shown?.id ? shown : undefined) },
        logs: { read: async () => ({ lines, dropped }) },
        statuses: { read: async () => ({ builds: shown ? [shown.id] : [] }) },
        keys,
        mode: 'link',
        logger: pino({ level: 'silent' }),
        now: () => start + 12_000,
        ...rest,
      }),
    )
    server = createHttpServer(app)
    const port = await server.listen('127.0.0.1', 0)
    return async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return { status: response.status, headers: response.headers, text: await response.text() }
    }
  }

  const pathOf = (id: string) => `/builds/${id}/${keys.key(id)}`

  const page = async (...[shown, lines, options]: Parameters<typeof serve>) => {
    const get = await serve(shown, lines, options)
    return get(pathOf(shown!.id))
  }

  it('says what was built, from what, and why', async () => {
    const { status, text } = await page(build())
    assert.equal(status, 200)
    assert(!text.includes('Not shown on the commit'))
    const plan = buildPlan()
    for (const said of [
      'app of acme/app',
      'git.example.com/acme/app',
      'branch <code>main</code>',
      sha('a'),
      'registry.example.com/acme/app:main',
      plan.cause,
    ]) {
      assert(text.includes(said), said)
    }
  })

  it('says why the commit does not show it, where the forge refused its status', async () => {
    const refused = {
      message: 'GitHub refused the status: 404 Not Found: does the token see <it>?',
    }
    const { text } = await page(build(), [], {
      statuses: { read: async () => ({ builds: [], shown: { refused } }) },
    })
    assert(text.includes('Not shown on the commit'))
    assert(text.includes('404 Not Found: does the token see &lt;it&gt;?'))
  })

  it('lists what a scan found, and how much of it is in the log alone', async () => {
    const scan = { severities: ['CRITICAL', 'HIGH'], onFindings: 'fail' } as const
    const findings = [
      {
        severity: 'CRITICAL',
        id: 'CVE-2026-1',
        package: '<b>lodash</b>',
        installed: '1',
        fixed: '2',
      },
      { severity: 'HIGH', id: 'CVE-2026-2', package: 'busybox', installed: '3' },
    ] as const
    const ended = {
      ...build(),
      ...buildPlan({ plan: { ...imagePlan, publish: 'apart', scan } }),
      steps: [{ name: 'scanning', at: start }] as const,
      state: 'failed' as const,
      endedAt: start + 1_000,
      outcome: { state: 'failed', reason: 'Not published' } as const,
      scans: [{ counts: { CRITICAL: 1, HIGH: 60 }, findings }],
    }
    const { text } = await page(ended, [line('│ a table that is too wide │')])
    const rows = [...text.matchAll(/<tr>\s*<td>([^]*?)<\/tr>/g)].map(([, row = '']) =>
      row
        .replaceAll(/<[^>]*>|\s+/g, ' ')
        .replaceAll(/ +/g, ' ')
        .trim(),
    )
    assert.deepEqual(rows, [
      'critical CVE-2026-1 &lt;b&gt;lodash&lt;/b&gt; 1 2',
      'high CVE-2026-2 busybox 3 not yet',
    ])
    assert.match(text, /1 critical, 60 high/)
    assert.match(text, /The log of the scan has all 61/)
    assert.doesNotMatch(text, /<pre>│ a table/)
  })

  it('has the last lines of a build that had findings, and failed for something else', async () => {
    const findings = [
      { severity: 'HIGH', id: 'CVE-2026-2', package: 'busybox', installed: '3' },
    ] as const
    const ended = build({
      state: 'error',
      steps: [
        { name: 'scanning', at: start },
        { name: 'publishing', at: start + 1 },
      ],
      endedAt: start + 1_000,
      outcome: { state: 'error', reason: 'Push failed' },
      scans: [{ counts: { HIGH: 1 }, findings }],
    })
    const { text } = await page(ended, [line('Error: denied')])
    assert.match(text, /<pre>Error: denied/)
  })

  it('says how long each step took, and for how long the present one has been going', async () => {
    const { text } = await page(build())
    const durations = [...text.matchAll(/class="ms">([^<]+)</g)].map(([, duration]) => duration)
    assert.deepEqual(durations, ['2.0s', '1.5s', '8.5s'])
    assert(text.includes('12:00:02'))
  })

  it('calls the first step of an upload what it is', async () => {
    const at = start
    const steps = [
      { name: 'cloning', at },
      { name: 'cloning', at, part: 'linux/amd64' },
    ] as const
    const names = async (shown: Build): Promise<(string | undefined)[]> => {
      const { text } = await page(shown)
      await server?.close(0)
      return [...text.matchAll(/<span>([^<]+)<\/span>\s*<span class="ms">/g)].map(
        ([, name]) => name,
      )
    }
    const upload = { id: '9c0ffee1d2a35b77', bytes: 1 }
    const uploaded = build({ steps, plan: { ...buildPlan().plan, upload } })
    assert.deepEqual(await names(uploaded), [
      'Fetching the upload',
      'linux/amd64: Fetching the upload',
    ])
    assert.deepEqual(await names(build({ steps })), ['Cloning', 'linux/amd64: Cloning'])
  })

  it('tells the platforms apart: in each step and in each line of the log', async () => {
    const amd64 = 'linux/amd64'
    const arm64 = 'linux/arm64'
    const steps = [
      { name: 'queued', at: start },
      { name: 'starting', at: start + 1_000, part: amd64 },
      { name: 'starting', at: start + 1_000, part: arm64 },
      { name: 'building', at: start + 2_000, part: arm64 },
      { name: 'building', at: start + 4_000, part: amd64 },
      { name: 'pushed', at: start + 7_000, part: amd64 },
    ] as const
    const { text } = await page(build({ steps }), [{ ...line('make'), platform: arm64 }])
    const shown = [...text.matchAll(/<span>([^<]+)<\/span>\s*<span class="ms">([^<]+)</g)]
    assert.deepEqual(
      shown.map(([, name, time]) => `${name} ${time}`),
      [
        'Queued 1.0s',
        'linux/amd64: Starting the pod 3.0s',
        'linux/arm64: Starting the pod 1.0s',
        'linux/arm64: Building 10s',
        'linux/amd64: Building 3.0s',
        'linux/amd64: Pushed, without a tag yet 0ms',
      ],
    )
    assert(text.includes('<em>linux/arm64</em> make'))
  })

  it('shows what was pushed, with the digest', async () => {
    const pushed = [{ destination: 'registry.example.com/acme/app:main', digest: 'sha256:1f2e3d' }]
    const ended = { endedAt: start + 42_000, outcome: { state: 'succeeded', pushed } as const }
    const { text } = await page(build({ state: 'succeeded', ...ended }))
    assert(text.includes('Succeeded'))
    assert(text.includes('after 42s'))
    assert(text.includes('sha256:1f2e3d'))
  })

  it('explains a failure by its reason and the last lines of its log', async () => {
    const { text } = await page(failed, [line('\x1b[31mno such file\x1b[0m')])
    assert(text.includes('Failed'))
    assert(text.includes('Dockerfile not found: docker/Dockerfile'))
    assert(text.includes('<pre>no such file</pre>'))
  })

  it('loads itself again while the build is going, and never after', async () => {
    assert.match((await page(build())).text, /<meta http-equiv="refresh" content="2" \/>/)
    await server?.close(0)
    assert.doesNotMatch((await page(failed)).text, /http-equiv/)
  })

  it('says that a build is about to stop', async () => {
    const { text } = await page(build({ stop: { why: 'cancelled', by: 'an operator' } }))
    assert(text.includes('Stopping: cancelled by an operator'))
  })

  it('shows the log with seconds from the start, the container, and what was left out', async () => {
    const { text } = await page(failed, [line('first', 3.5)], { dropped: 1204 })
    assert(text.includes('<li><i>3.5s</i><b>build</b><span>first</span></li>'))
    assert(text.includes('1,204 lines were dropped'))
  })

  it('shows the end of a log that is too long for a page, and says so', async () => {
    const lines = Array.from({ length: 1_100 }, (_, n) => line(`line ${n}.`))
    const { text } = await page(build(), lines)
    assert(text.includes('100 earlier lines are not shown'))
    assert(!text.includes('line 99.'))
    assert(text.includes('line 100.') && text.includes('line 1099.'))
  })

  it('says when nothing was built for real', async () => {
    assert(!(await page(failed, [line('x')])).text.includes('Simulated'))
    await server?.close(0)
    assert((await page(failed, [line('[simulated] x')])).text.includes('Simulated'))
  })

  it('lets nothing that others wrote become a part of the page', async () => {
    const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
    const { text } = await page(
      build({
        ref: `refs/heads/${evil}`,
        image: evil,
        cause: evil,
        repository: { forge: 'gitea', id: '7', host: evil, path: evil },
        plan: { ...buildPlan().plan, destinations: [evil], dockerfile: evil, context: evil },
        state: 'failed',
        outcome: { state: 'failed', reason: evil },
        steps: [{ name: 'starting', at: start, note: evil }],
      }),
      [line(evil)],
    )
    assert(!text.includes('<script'))
    assert(!text.includes('<img'))
    assert(!text.includes(evil))
  })

  it('shows every branch name that git accepts', async () => {
    for (const branch of nastyBranchNames) {
      const { status, text } = await page(build({ ref: `refs/heads/${branch}` }))
      assert.equal(status, 200, branch)
      assert(!text.includes('<script'), branch)
      await server?.close(0)
    }
  })

  it('lets a browser load and run nothing but its own style sheet', async () => {
    const { headers, text } = await page(build())
    const policy = headers.get('content-security-policy') ?? ''
    const [, style = ''] = /<style>([^]*)<\/style>/.exec(text) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    assert(policy.includes("default-src 'none'"))
    assert(policy.includes(`style-src 'sha256-${hash}'`), 'the style sheet is not the one allowed')
    assert(!policy.includes('unsafe'))
    assert(!policy.includes('script-src'))
    assert.doesNotMatch(text, / style=| on\w+=|<script/)
  })

  it('is kept by nobody, indexed by nobody, and told to nobody', async () => {
    const get = await serve(failed)
    for (const path of [pathOf(failed.id), pathOf('0'), `/builds/${failed.id}/wrong`]) {
      const { headers } = await get(path)
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.equal(headers.get('x-robots-tag'), 'noindex')
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.match(headers.get('content-type') ?? '', /^text\/html; charset=utf-8$/)
    }
  })

  it('gives nothing away to who has no key: a build that is there looks like one that is not', async () => {
    let asked = 0
    const get = await serve(failed, [], {
      builds: { get: async () => ((asked += 1), failed) },
    })
    const real = await get(`/builds/${failed.id}/${keys.key('another')}`)
    const unknown = await get(`/builds/0000000000000000/${keys.key('another')}`)
    assert.equal(real.status, 404)
    assert.deepEqual([unknown.status, unknown.text], [real.status, real.text])
    assert.equal(asked, 0, 'the store was asked')
  })

  it('of a push shows each of its images, with a link to its build that can be followed', async () => {
    const summary = { images: ['api', 'web'] }
    const api = build({ id: '00000000000000aa', image: 'api', summary })
    const web = { ...failed, id: '00000000000000bb', image: 'web', summary }
    const all = [web, api]
    const get = await serve(undefined, [], {
      builds: { get: async (id) => all.find((each) => each.id === id) },
      statuses: { read: async (id) => ({ builds: id === 'f00' ? all.map(({ id }) => id) : [] }) },
    })
    const path = `/pushes/f00/${keys.key('f00', 'push')}`
    const { status, text } = await get(path)
    assert.equal(status, 200)
    assert(text.includes('1 of 2 done (1 failed: web), building api'))
    assert.match(text, /<meta http-equiv="refresh"/)
    const links = [...text.matchAll(/href="(\.\.[^"]+)"/g)].map(([, link = '']) => link)
    assert.equal(links.length, 2)
    for (const link of links) {
      const { pathname } = new URL(link, `http://x${path}`)
      assert.equal((await get(pathname)).status, 200, pathname)
    }
  })

  it('of a push has the reason of each image whole', async () => {
    const reasons = ['ok', 'scan'].map(
      (image) => `${image}: ${'a long reason '.repeat(20)}, its end`,
    )
    const all = reasons.map((reason, i) => ({
      ...failed,
      id: `00000000000000c${i}`,
      image: reason.split(':')[0]!,
      outcome: { state: 'failed', reason } as const,
      summary: { images: ['ok', 'scan'] },
    }))
    const get = await serve(undefined, [], {
      builds: { get: async (id) => all.find((each) => each.id === id) },
      statuses: { read: async () => ({ builds: all.map(({ id }) => id) }) },
    })
    const { text } = await get(`/pushes/f00/${keys.key('f00', 'push')}`)
    for (const reason of reasons) assert.ok(text.includes(reason), reason)
  })

  it('of a push wants a key of its own', async () => {
    const get = await serve(failed)
    for (const key of [keys.key(failed.id), 'wrong']) {
      assert.equal((await get(`/pushes/${failed.id}/${key}`)).status, 404)
    }
    assert.equal((await get(`/builds/${failed.id}/${keys.key(failed.id, 'push')}`)).status, 404)
    assert.equal((await get('/pushes')).status, 404)
  })

  it('of a push that is no longer kept is 410', async () => {
    const get = await serve(undefined)
    assert.equal((await get(`/pushes/f00/${keys.key('f00', 'push')}`)).status, 410)
  })

  it('of a push lets nothing that others wrote become a part of it', async () => {
    const evil = `"><script>alert(1)</script>`
    const hostile = build({
      image: evil,
      ref: `refs/heads/${evil}`,
      repository: { forge: 'gitea', id: '7', host: evil, path: evil },
      summary: { images: [evil] },
      state: 'failed',
      outcome: { state: 'failed', reason: evil },
    })
    const get = await serve(hostile)
    const { text } = await get(`/pushes/f00/${keys.key('f00', 'push')}`)
    assert(text.includes('&lt;script&gt;'))
    assert(!text.includes('<script'))
  })

  it('has no list', async () => {
    const get = await serve(failed)
    for (const path of ['/builds', '/builds/', `/builds/${failed.id}`]) {
      assert.equal((await get(path)).status, 404, path)
    }
  })

  it('says 410 when the build is no longer kept', async () => {
    const get = await serve(undefined)
    const { status, text } = await get(pathOf('1f2e3d4c5b6a7988'))
    assert.equal(status, 410)
    assert(text.includes('No longer kept'))
  })

  it('is not there when pages are off', async () => {
    assert.equal((await page(failed, [], { mode: 'off' })).status, 404)
  })

  it('says 503 when the store does not answer', async () => {
    const down = async () => {
      throw new Error('connect ECONNREFUSED 10.0.0.1:6379')
    }
    const { status, text } = await page(failed, [], { builds: { get: down } })
    assert.equal(status, 503)
    assert(!text.includes('10.0.0.1'))
  })

  it('says 503 when more read pages than its cap allows, and not for longer', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let waiting = 0
    const get = await serve(failed, [], {
      atOnce: 2,
      builds: {
        get: async () => {
          waiting += 1
          await held
          return failed
        },
      },
    })
    const path = pathOf(failed.id)
    const first = [get(path), get(path)]
    await eventually(() => waiting === 2)
    const refused = await get(path)
    assert.equal(refused.status, 503)
    assert(Number(refused.headers.get('retry-after')) > 0)
    release()
    for (const { status } of await Promise.all(first)) assert.equal(status, 200)
    await eventually(async () => (await get(path)).status === 200)
  })
})
