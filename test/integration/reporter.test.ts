import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import type { BuildPlan } from '../../src/builds/build.ts'
import type { BuildStore } from '../../src/builds/ports.ts'
import { PermanentError, RetryLater } from '../../src/errors.ts'
import { createOperator } from '../../src/admin/operator.ts'
import { ForgeRefused } from '../../src/forges/api-errors.ts'
import type { ForgeClient, StatusPost } from '../../src/forges/forge.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { createStores } from '../../src/queue/stores.ts'
import { createStatusStore } from '../../src/queue/status-store.ts'
import { statusId } from '../../src/statuses/context.ts'
import { createReporter } from '../../src/statuses/reporter.ts'
import { useRedis } from '../support/redis.ts'
import { buildPlan, sha } from '../support/samples.ts'

const redis = useRedis()
let builds: BuildStore
let refs: ReturnType<typeof createRefStore>
let posts: StatusPost[]
let answer: (post: StatusPost) => Promise<string | undefined>
let report: (id: string) => Promise<void>

beforeEach(() => {
  builds = createBuildStore({
    redis: redis.client,
    retentionMs: 60_000,
    maxPerRepository: 0,
    now: Date.now,
  })
  refs = createRefStore(redis.client)
  posts = []
  answer = async () => undefined
  const forge: ForgeClient = {
    cloneUrl: () => '',
    sshUrl: () => '',
    find: async () => undefined,
    credential: async () => ({ username: '', password: '' }),
    postStatus: async (post) => {
      posts.push(post)
      return answer(post)
    },
  }
  report = createReporter({
    store: createStatusStore(redis.client),
    builds,
    refs,
    forges: new Map([['gitea', forge]]),
    pageUrl: (id, kind) =>
      `https://hook.example.com/${kind === 'push' ? 'pushes' : 'builds'}/${id}`,
  })
})

async function create(change: Partial<BuildPlan> = {}): Promise<BuildPlan> {
  const plan = buildPlan(change)
  await builds.create(plan)
  return plan
}

/** What an operator is told who asks about the build. */
async function whyNotShown(id: string): Promise<string | undefined> {
  const never = () => assert.fail('not asked')
  const operator = createOperator({
    stores: createStores(redis.client, {
      buildRetentionMs: 60_000,
      logRetentionMs: 60_000,
      maxBuildsPerRepository: 0,
    }),
    queues: { build: never, buildNow: never, status: never },
    deliveries: { accept: never },
  })
  return operator.builds.refusedStatus((await operator.builds.get(id))!)
}

const states = (): string[] => posts.map(({ status }) => status.state)

test('each change is shown once, however often it is reported', async () => {
  const build = await create()
  const id = statusId(build)
  await report(id)
  await report(id)
  await builds.update(build.id, { state: 'running' })
  await report(id)
  await builds.end(build.id, { state: 'failed', reason: 'Dockerfile not found: Dockerfile' })
  await report(id)
  await report(id)
  assert.deepEqual(states(), ['queued', 'building', 'failure'])
  assert.deepEqual(posts.at(-1)?.status, {
    context: 'kanihook/app',
    state: 'failure',
    description: 'Dockerfile not found: Dockerfile',
    targetUrl: `https://hook.example.com/builds/${build.id}`,
  })
})

test('a build that moves on while its status is on the way is shown as it is in the end', async () => {
  const build = await create()
  answer = async ({ status }) => {
    if (status.state === 'queued') await builds.end(build.id, { state: 'error', reason: 'lost' })
    return undefined
  }
  await report(statusId(build))
  assert.deepEqual(states(), ['queued', 'error'])
})

test('two processes never post one status at the same time', async () => {
  const build = await create()
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  let posting = () => {}
  const reached = new Promise<void>((resolve) => (posting = resolve))
  answer = async () => {
    posting()
    await held
    return undefined
  }
  const first = report(statusId(build))
  await reached
  await assert.rejects(report(statusId(build)), RetryLater)
  release()
  await first
  assert.equal(posts.length, 1)
})

test('a forge that is away leaves the status owed: the next report shows it', async () => {
  const build = await create()
  answer = () => Promise.reject(new RetryLater('503'))
  await assert.rejects(report(statusId(build)), RetryLater)
  answer = async () => undefined
  await report(statusId(build))
  assert.equal(posts.length, 2)
})

test('a status that a forge refuses is owed: it is shown once a person has mended that', async () => {
  const build = await create()
  answer = () => Promise.reject(new PermanentError('401'))
  const waits: number[] = []
  for (let n = 0; n < 8; n++) {
    const refused = await report(statusId(build)).catch((error: RetryLater) => error)
    waits.push((refused as RetryLater).afterMs ?? 0)
  }
  assert.deepEqual(
    waits.map((ms) => ms / 60_000),
    [1, 2, 4, 8, 16, 32, 60, 60],
  )
  answer = async () => undefined
  await report(statusId(build))
  assert.equal(posts.length, 9)
})

test('a forge that refuses for more than a day is left in peace', async () => {
  const build = await create()
  answer = () => Promise.reject(new PermanentError('404'))
  for (let n = 0; n < 40; n++) await report(statusId(build)).catch(() => undefined)
  assert.equal(posts.length, 30)
})

for (const [claim, error] of [
  ['does not take', new ForgeRefused(422, 'GitHub refused the status: 422 (No commit found)')],
  ['has no commit for', new ForgeRefused(404, 'GitLab refused the status: 404 Commit Not Found')],
] as const) {
  test(`a status that the forge ${claim} is tried again for some minutes, and then when it changes`, async () => {
    const build = await create()
    answer = () => Promise.reject(error)
    for (let n = 0; n < 8; n++) await report(statusId(build)).catch(() => undefined)
    assert.equal(posts.length, 4)
    await builds.end(build.id, { state: 'failed', reason: 'RUN failed' })
    for (let n = 0; n < 8; n++) await report(statusId(build)).catch(() => undefined)
    assert.deepEqual(states(), [...Array(4).fill('queued'), 'failure'])
    assert.equal(await whyNotShown(build.id), error.message)
  })
}

test('why a commit shows nothing is known of its build, until it does', async () => {
  const build = await create()
  assert.equal(await whyNotShown(build.id), undefined)
  const message = 'GitHub refused the status: 404 Not Found: does the token see acme/app?'
  answer = () => Promise.reject(new ForgeRefused(404, message))
  await assert.rejects(report(statusId(build)), RetryLater)
  assert.equal(await whyNotShown(build.id), message)
  answer = async () => undefined
  await report(statusId(build))
  assert.equal(await whyNotShown(build.id), undefined)
})

test('what the forge wants to see again with the next post is handed back', async () => {
  const build = await create()
  answer = async () => 'pipeline 12'
  await report(statusId(build))
  await builds.update(build.id, { state: 'running' })
  await report(statusId(build))
  assert.deepEqual(
    posts.map((post) => post.memory),
    [undefined, 'pipeline 12'],
  )
})

test('two branches at one commit show the worse of the two', async () => {
  const one = await create({ ref: 'refs/heads/one' })
  const two = await create({ ref: 'refs/heads/two' })
  assert.equal(statusId(one), statusId(two))
  await builds.end(one.id, { state: 'failed', reason: 'RUN failed' })
  await builds.end(two.id, { state: 'succeeded', pushed: [] })
  await report(statusId(one))
  assert.deepEqual(states(), ['failure'])
})

test('a tag’s status does not take the place of its branch’s', async () => {
  const branch = await create()
  const tag = await create({ ref: 'refs/tags/v1.0' })
  await report(statusId(branch))
  await report(statusId(tag))
  assert.deepEqual(
    posts.map(({ status }) => status.context),
    ['kanihook/app', 'kanihook/app (v1.0)'],
  )
})

test('a commit that comes back is shown as pending again: the higher generation replaces', async () => {
  const first = await create()
  await builds.end(first.id, { state: 'succeeded', pushed: [] })
  await report(statusId(first))
  await create({ generation: 3 })
  await report(statusId(first))
  assert.deepEqual(states(), ['success', 'queued'])
})

test('one status stands for all images of a push, pending until the last has ended, with the page of the push', async () => {
  await refs.recordHead(buildPlan().repository, 'refs/heads/main', sha('a'), {
    seen: 0,
    baseline: false,
  })
  const summary = { images: ['api', 'web'] }
  const api = await create({ image: 'api', summary })
  const id = statusId(api)
  await report(id)
  await builds.end(api.id, { state: 'succeeded', pushed: [] })
  // The other image has no build yet.
  await report(id)
  const web = await create({ image: 'web', summary })
  assert.equal(statusId(web), id)
  await builds.update(web.id, { state: 'running' })
  await report(id)
  await builds.end(web.id, { state: 'failed', reason: 'RUN failed' })
  await report(id)
  await report(id)
  assert.deepEqual(
    posts.map(({ status }) => [status.context, status.state, status.description]),
    [
      ['kanihook', 'queued', '0 of 2 done, queued'],
      ['kanihook', 'building', '1 of 2 done, queued'],
      ['kanihook', 'building', '1 of 2 done, building web'],
      ['kanihook', 'failure', '1 failed: web; 1 pushed (web: RUN failed)'],
    ],
  )
  assert.equal(posts.at(-1)?.status.targetUrl, `https://hook.example.com/pushes/${id}`)

  await create({ image: 'web', summary, attempt: 2 })
  await report(id)
  assert.deepEqual(states().at(-1), 'building', 'a deliberate rebuild replaces')
})

test('a push that was overtaken before all of its images were planned ends its one status', async () => {
  const api = await create({ image: 'api', summary: { images: ['api', 'web'] } })
  await refs.recordHead(api.repository, api.ref, sha('a'), { seen: 0, baseline: false })
  await builds.end(api.id, { state: 'succeeded', pushed: [] })
  await report(statusId(api))
  await refs.recordHead(api.repository, api.ref, sha('b'), { seen: 1, baseline: false })
  await report(statusId(api))
  assert.deepEqual(states(), ['building', 'success'])
})

test('one status of a tag does not take the place of its branch’s, and two branches show the worse', async () => {
  const summary = { images: ['app'] }
  const one = await create({ ref: 'refs/heads/one', summary })
  const two = await create({ ref: 'refs/heads/two', summary })
  const tag = await create({ ref: 'refs/tags/v1', summary })
  await builds.end(one.id, { state: 'failed', reason: 'RUN failed' })
  await builds.end(two.id, { state: 'succeeded', pushed: [] })
  await report(statusId(two))
  await report(statusId(tag))
  assert.deepEqual(
    posts.map(({ status }) => [status.context, status.state]),
    [
      ['kanihook', 'failure'],
      ['kanihook (v1)', 'queued'],
    ],
  )
})
