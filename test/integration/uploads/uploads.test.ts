import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { succeeds, type ScriptedPod } from '../../stand-ins/kubernetes/index.ts'
import { archiveOf } from '../../support/archives.ts'
import { eventually } from '../../support/eventually.ts'
import { startKanihook, type KanihookProcess } from '../../support/kanihook-process.ts'
import { adminToken, install, type Installation } from '../cli/installation.ts'

/** Uploads to a kanihook that runs, on a real Redis. What would run in pods is scripted. */

interface UploadBuild {
  readonly id: string
  readonly state: string
  readonly cause: string
  readonly sha: string
  readonly destinations: readonly string[]
  readonly reason: string | null
  readonly steps: readonly { readonly note?: string | null }[]
  readonly upload: { readonly id: string; readonly bytes: number } | null
}

let its: Installation
let dir: string
const others: KanihookProcess[] = []

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanihook-uploads-'))
  await writeFile(join(dir, '00000000deadbeef.tar.gz'), 'left by a crash')
  its = await install(
    `repositories: [{ match: "**", branches: ["**"], images: [{ name: app, destination: "registry.example.com/{owner}/{repo}" }] }]
uploads:
  - { name: try, destination: registry.example.com/try/app, tags: [edge, "{shortSha}"], buildArgs: { KEY: { secret: s, key: k } } }
  - { name: plain, destination: registry.example.com/try/plain, tags: [edge] }
  - { name: shared, destination: registry.example.com/acme/app, tags: [shared-main] }
`,
    {
      UPLOADS_DIR: dir,
      UPLOADS_PORT: '0',
      UPLOADS_URL: '',
      MAX_UPLOAD: '1Mi',
      UPLOADS_DISK: '3Mi',
    },
  )
})
after(async () => {
  await Promise.all(others.map((other) => other.kill('SIGKILL')))
  await its?.close()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(() => its.runner.byDefault(succeeds))

const left = (): Promise<string[]> => readdir(dir)
const nothingLeft = (): Promise<true> =>
  eventually(async () => (await left()).length === 0, { what: 'nothing is left in UPLOADS_DIR' })

/** Posts a body as it is. */
async function post(
  body: Buffer,
  { query = 'image=plain', token = adminToken, url = its.kanihook.adminUrl } = {},
) {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  const response = await fetch(`${url}/api/uploads?${query}`, {
    method: 'POST',
    headers,
    body: new Uint8Array(body),
  })
  const answer = (await response.json()) as UploadBuild & { error?: string }
  return { status: response.status, answer }
}

const build = (id: string): Promise<UploadBuild> => its.build(id) as unknown as Promise<UploadBuild>

async function ended(id: string): Promise<UploadBuild> {
  return eventually(
    async () => {
      const found = await build(id)
      return ['succeeded', 'failed', 'error', 'cancelled'].includes(found.state) && found
    },
    { within: 30_000, what: `build ${id} ends` },
  )
}

/** What the pod of the next build gets to know. */
function nextPod(): { pod: Promise<ScriptedPod>; release(): void } {
  const pods = Promise.withResolvers<ScriptedPod>()
  const { promise, resolve } = Promise.withResolvers<void>()
  its.runner.byDefault(async (pod) => {
    pods.resolve(pod)
    await promise
    await succeeds(pod)
  })
  return { pod: pods.promise, release: resolve }
}

/** Where a pod fetches its archive, and the token that its Secret holds. */
async function sourceOf(pod: ScriptedPod): Promise<{ url: string; token: string }> {
  const url = pod.pod.spec?.initContainers?.[0]?.args?.[0] ?? ''
  const secret = await eventually(() => its.cluster.secret(pod.job))
  return { url, token: Buffer.from(secret.data?.['GIT_PASSWORD'] ?? '', 'base64').toString() }
}

describe('at its start', () => {
  it('what a crash left over is removed, and told', async () => {
    await nothingLeft()
    const told = its.kanihook.log.find(
      ({ msg }) => msg === 'uploads that were left over are removed',
    )
    assert.deepEqual(told?.['uploads'], ['00000000deadbeef'])
  })
})

describe('an upload', () => {
  it('is built once more each time, under its own digest, and is removed when that has ended', async () => {
    const body = await archiveOf({ Dockerfile: 'FROM scratch', file: randomBytes(1000) })
    const first = await post(body)
    assert.equal(first.status, 202, first.answer.error)
    const { id, sha, cause, upload, destinations } = first.answer
    assert.equal(sha, createHash('sha256').update(body).digest('hex'))
    assert.equal(upload?.bytes, body.length)
    assert.equal(cause, 'an upload by an operator')
    assert.deepEqual(destinations, ['registry.example.com/try/plain:edge'])
    assert.equal((await ended(id)).state, 'succeeded')
    await nothingLeft()
    const second = await post(body)
    assert.notEqual(second.answer.id, id)
    assert.equal((await ended(second.answer.id)).state, 'succeeded')
    await nothingLeft()
  })

  it('is held while an older one with the same tag is built, and says so', async (t) => {
    const { pod, release } = nextPod()
    t.after(release)
    const body = await archiveOf({ Dockerfile: 'FROM scratch' })
    const first = await post(body)
    await pod
    const second = await post(body)
    const note = `Waiting for build ${first.answer.id} of an upload, which may push the same tags`
    await eventually(async () => (await build(second.answer.id)).steps.at(-1)?.note === note, {
      what: 'the second one waits',
    })
    assert.equal((await build(second.answer.id)).state, 'waiting')
    release()
    assert.equal((await ended(first.answer.id)).state, 'succeeded')
    assert.equal((await ended(second.answer.id)).state, 'succeeded')
    await nothingLeft()
  })

  it('is given to its pod alone, until the build has ended', async () => {
    const { pod, release } = nextPod()
    const body = await archiveOf({ Dockerfile: 'FROM scratch' })
    const { answer } = await post(body)
    const { url, token } = await sourceOf(await pod)
    const get = (path: string, bearer: string) =>
      fetch(new URL(path, url), { headers: { authorization: `Bearer ${bearer}` } })
    const fetched = await get(url, token)
    assert.equal(fetched.status, 200)
    assert.deepEqual(Buffer.from(await fetched.arrayBuffer()), body)
    for (const [path, bearer] of [
      [url, 'another'],
      [url, adminToken],
      ['/uploads/0123456789abcdef', token],
      ['/uploads/..%2f..%2fetc%2fpasswd', token],
      ['/api/builds', adminToken],
      ['/metrics', token],
      ['/', token],
    ] as const) {
      assert.equal((await get(path, bearer)).status, 404, path)
    }
    assert.equal((await fetch(url, { method: 'DELETE' })).status, 404)
    release()
    await ended(answer.id)
    await nothingLeft()
    assert.equal((await get(url, token)).status, 404)
  })

  it('has no commit, and so no status', async () => {
    const { answer } = await post(await archiveOf({ Dockerfile: 'FROM scratch' }))
    await ended(answer.id)
    await nothingLeft()
    const about = its.kanihook.log.filter(({ msg }) => /status|tried again/.test(msg))
    assert.ok(!JSON.stringify(about).includes(answer.id))
  })

  it('may choose the shape of its build, and no name that is dangerous', async () => {
    const { pod, release } = nextPod()
    const body = await archiveOf({ 'docker/Dockerfile': 'FROM scratch' })
    const query =
      'image=plain&dockerfile=docker/Dockerfile&target=small&buildArg=A=%241&buildArg=B='
    const { answer, status } = await post(body, { query })
    assert.equal(status, 202, answer.error)
    const args = (await pod).pod.spec?.containers[0]?.args ?? []
    for (const arg of [
      '--context=tar:///kanihook/context/upload.tar.gz',
      '--dockerfile=docker/Dockerfile',
      '--target=small',
      '--build-arg=A=$$1',
      '--build-arg=B=',
    ]) {
      assert.ok(args.includes(arg), `${arg} in ${args.join(' ')}`)
    }
    release()
    await ended(answer.id)
  })

  it('is not built again by its id: it is not kept', async () => {
    const { answer } = await post(await archiveOf({ Dockerfile: 'FROM scratch' }))
    await ended(answer.id)
    const { code, err } = await its.run('rebuild', answer.id)
    assert.equal(code, 69)
    assert.match(err, /an upload is not kept when its build has ended: upload it again/)
  })

  it('is listed and told of as what it is', async () => {
    const { answer } = await post(await archiveOf({ Dockerfile: 'FROM scratch' }))
    await ended(answer.id)
    const { out } = await its.run('builds')
    assert.match(out, new RegExp(`^${answer.id}  succeeded +plain +\\(upload\\) +- +`, 'm'))
    const { err } = await its.run('logs', '-f', answer.id)
    assert.match(err, new RegExp(`^plain of upload ${answer.sha.slice(0, 12)}: succeeded: `, 'm'))
  })
})

describe('an upload is refused, and nothing of it is left,', () => {
  const body = archiveOf({ Dockerfile: 'FROM scratch' })
  for (const [what, status, words, options] of [
    ['without a token', 401, /ADMIN_TOKENS/, { token: '' }],
    ['with a wrong token', 401, /ADMIN_TOKENS/, { token: 'a-wrong-admin-token' }],
    ['without an image', 400, /image: is missing: name one under uploads/, { query: '' }],
    ['for an image that there is not', 409, /no image "app" under uploads/, { query: 'image=app' }],
    [
      'with a Dockerfile elsewhere',
      400,
      /leaves the repository/,
      { query: 'image=plain&dockerfile=../x' },
    ],
    [
      'with a dangerous argument',
      400,
      /LD_PRELOAD is refused/,
      { query: 'image=plain&buildArg=LD_PRELOAD=x' },
    ],
    [
      'with a word that is no argument',
      400,
      /is not NAME=value/,
      { query: 'image=plain&buildArg=x' },
    ],
    ['with a key that there is not', 400, /tag/, { query: 'image=plain&tag=latest' }],
    [
      'with an argument of a Secret',
      409,
      /KEY comes from a Secret/,
      { query: 'image=try&buildArg=KEY=x' },
    ],
  ] as const) {
    it(what, async () => {
      const { status: got, answer } = await post(await body, options)
      assert.equal(got, status)
      assert.match(answer.error ?? '', words)
      assert.deepEqual(await left(), [])
    })
  }

  it('that is no archive', async () => {
    const { status, answer } = await post(Buffer.from('<html>hello</html>'))
    assert.equal(status, 400)
    assert.match(answer.error ?? '', /is not gzip/)
    await nothingLeft()
  })

  it('that is too large, whether or not it says so', async () => {
    const large = await archiveOf({ data: randomBytes(1 << 20) })
    const { status, answer } = await post(large)
    assert.equal(status, 413)
    assert.match(answer.error ?? '', /larger than the 1 MiB that kanihook takes \(MAX_UPLOAD\)/)
    const chunked = await send(large, { length: undefined })
    assert.equal(chunked, 413)
    await nothingLeft()
  })

  it('that breaks off on the way', async () => {
    const large = await archiveOf({ data: randomBytes(500_000) })
    const sending = request(`${its.kanihook.adminUrl}/api/uploads?image=plain`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-length': large.length },
    })
    sending.on('error', () => undefined)
    sending.write(large.subarray(0, 300_000))
    await eventually(async () => (await left()).length === 1, { what: 'the upload comes' })
    sending.destroy()
    await nothingLeft()
    const { builds } = await its.kanihook.api<{ builds: UploadBuild[] }>('/builds?limit=1', {
      headers: { authorization: `Bearer ${adminToken}` },
    })
    assert.notEqual(builds[0]?.sha, createHash('sha256').update(large).digest('hex'))
  })

  it('whose tag a push has; and a push takes a tag that an upload has', async () => {
    const first = await post(await body, { query: 'image=shared' })
    assert.equal((await ended(first.answer.id)).state, 'succeeded')
    // The branch "shared-main" makes the tag "shared-main".
    const pushed = await its.push('shared-main')
    await its.reaches(pushed.id, 'succeeded')
    const { status, answer } = await post(await body, { query: 'image=shared' })
    assert.equal(status, 409)
    assert.match(
      answer.error ?? '',
      /Tag registry\.example\.com\/acme\/app:shared-main belongs to image app of repository gitea\/1/,
    )
    await nothingLeft()
  })
})

/** Sends slowly enough to hear an answer on the way. Returns the status. */
async function send(body: Buffer, { length }: { length: number | undefined }): Promise<number> {
  const sending = request(`${its.kanihook.adminUrl}/api/uploads?image=plain`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${adminToken}`,
      ...(length === undefined ? {} : { 'content-length': length }),
    },
  })
  sending.on('error', () => undefined)
  sending.end(body)
  const [response] = (await once(sending, 'response')) as [{ statusCode: number; resume(): void }]
  response.resume()
  return response.statusCode
}

describe('where the process that holds an upload', () => {
  /** A receiver that holds uploads beside the worker that builds. */
  async function holder(): Promise<{ holder: KanihookProcess; folder: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'kanihook-holder-'))
    const own = { KANIHOOK_ROLES: 'receiver', UPLOADS_DIR: folder }
    const started = await startKanihook({ ...its.settings, ...own })
    others.push(started)
    return { holder: started, folder }
  }

  it('is another one than the worker, the pod fetches it there', async (t) => {
    const { holder: other, folder } = await holder()
    t.after(() => rm(folder, { recursive: true, force: true }))
    const { pod, release } = nextPod()
    const body = await archiveOf({ Dockerfile: 'FROM scratch' })
    const { answer } = await post(body, { url: other.adminUrl })
    const { url, token } = await sourceOf(await pod)
    const fetched = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    assert.deepEqual(Buffer.from(await fetched.arrayBuffer()), body)
    assert.deepEqual(await left(), [])
    release()
    await ended(answer.id)
    await eventually(async () => (await readdir(folder)).length === 0)
  })

  it('stops before the build has begun, the build ends and says so', async (t) => {
    const { holder: other, folder } = await holder()
    t.after(() => rm(folder, { recursive: true, force: true }))
    await its.kanihook.kill()
    const { answer } = await post(await archiveOf({ Dockerfile: 'FROM scratch' }), {
      url: other.adminUrl,
    })
    await other.kill()
    assert.deepEqual(await readdir(folder), [])
    const worker = await startKanihook({ ...its.settings, UPLOADS_DIR: dir })
    others.push(worker)
    const headers = { authorization: `Bearer ${adminToken}` }
    const end = await eventually(
      async () => {
        const found = await worker.api<UploadBuild>(`/builds/${answer.id}`, { headers })
        return found.state === 'error' && found
      },
      { within: 20_000, what: 'the build ends' },
    )
    assert.match(end.reason ?? '', /^The upload is gone with the process of kanihook that held it/)
  })
})

describe('a kanihook without UPLOADS_DIR', () => {
  it('says that it takes none', async () => {
    const without = await startKanihook({ ...its.settings, UPLOADS_DIR: '' })
    others.push(without)
    const { status, answer } = await post(await archiveOf({ a: 'b' }), { url: without.adminUrl })
    assert.equal(status, 409)
    assert.match(answer.error ?? '', /takes no uploads: ask one that has UPLOADS_DIR/)
  })
})
