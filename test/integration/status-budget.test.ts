import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { BuildPlan } from '../../src/builds/build.ts'
import { RetryLater } from '../../src/errors.ts'
import type { Hold } from '../../src/forges/budget.ts'
import { clientsOf } from '../../src/forges/clients.ts'
import { github } from '../../src/forges/github/index.ts'
import { createBudgets } from '../../src/queue/budgets.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { connectPatient } from '../../src/queue/redis.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { createStatusStore } from '../../src/queue/status-store.ts'
import { createQueueWorker } from '../../src/queue/worker.ts'
import { createWorkQueues, statusesQueue } from '../../src/queue/work-queues.ts'
import { statusId } from '../../src/statuses/context.ts'
import { createReporter, type StatusStore } from '../../src/statuses/reporter.ts'
import {
  createGithubStandIn,
  githubFaults,
  type GithubStandIn,
  type GithubStandInOptions,
} from '../stand-ins/github/stand-in.ts'
import { eventually } from '../support/eventually.ts'
import { useRedis } from '../support/redis.ts'
import { buildPlan, sha } from '../support/samples.ts'

/** What is asked of a forge's API with one credential, on a real Redis and a stand-in for GitHub. */

const minute = 60_000
const repository = { forge: 'github', id: '7', host: 'github.com', path: 'acme/app' }
const redis = useRedis()
let standIn: GithubStandIn
let now: number
let holds: Hold[]

const begin = async (options: Partial<GithubStandInOptions> = {}): Promise<void> => {
  standIn = await createGithubStandIn({
    repositories: [{ id: 7, path: 'acme/app' }],
    tokens: ['one', 'two'],
    ...options,
  })
}

beforeEach(() => {
  now = Date.now()
  holds = []
})
afterEach(async () => {
  await standIn.close()
  assert.deepEqual(standIn.violations, [])
})

const builds = () =>
  createBuildStore({
    redis: redis.client,
    retentionMs: minute,
    maxPerRepository: 0,
    now: Date.now,
  })

/** What a worker reports with, that has this token. */
function reporter(token = 'one', store: StatusStore = createStatusStore(redis.client)) {
  const login = { token }
  const urls = { url: 'https://github.com', apiUrl: standIn.url, webhookSecrets: ['secret'] }
  const budgets = createBudgets({
    redis: redis.client,
    onHold: (hold) => holds.push(hold),
    now: () => now,
  })
  return createReporter({
    store,
    builds: builds(),
    refs: createRefStore(redis.client),
    forges: clientsOf([github], new Map([['github', { ...urls, login }]]), budgets),
    pageUrl: () => undefined,
  })
}

async function create(change: Partial<BuildPlan> = {}): Promise<BuildPlan> {
  const plan = buildPlan({ repository, ...change })
  await builds().create(plan)
  return plan
}

const images = (count: number): Promise<BuildPlan[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => create({ image: `image-${n}` })))

const end = (build: BuildPlan): Promise<unknown> =>
  builds().end(build.id, { state: 'failed', reason: 'RUN failed' })

const shown = (context: string, of = sha('a')) =>
  standIn
    .statuses('acme/app', of)
    .filter((status) => status.context === context)
    .map(({ state }) => state)

/** Milliseconds that the report was put off. */
async function putOff(report: Promise<void>): Promise<number> {
  const error = await report.then(
    () => assert.fail('it was not put off'),
    (error: unknown) => error,
  )
  assert(error instanceof RetryLater, String(error))
  return error.afterMs ?? 0
}

const waitABit = { ...githubFaults.secondaryLimit, headers: { 'retry-after': '90' } }

test("a push of 60 images leaves room for the ends of others' builds, which are shown first", async () => {
  await begin({ window: { limit: 100, remaining: 30, endsAt: now + 60 * minute } })
  const queues = createWorkQueues({ redis: redis.client })
  const many = await images(60)
  for (const build of many) await queues.status(statusId(build), false)
  const other = await create({ image: 'other', sha: sha('b') })
  await end(other)
  await queues.status(statusId(other), true)
  const connection = connectPatient(redis.server.url)
  const worker = createQueueWorker<string, void>({
    queue: statusesQueue,
    redis: connection,
    concurrency: 10,
    work: reporter(),
    onError: () => undefined,
  })
  try {
    const open = async () =>
      (await queues.depths()).filter(
        ({ queue, state, jobs }) => queue === statusesQueue && state !== 'delayed' && jobs > 0,
      )
    await eventually(async () => (await open()).length === 0, { what: 'the rest is put off' })
    assert.deepEqual(shown('kanihook/other', sha('b')), ['failure'])
    assert.match(standIn.requests[0]?.path ?? '', /b{40}$/)
    const posts = standIn.requests.length
    // Beside the first end; those on their way when the first answer came knew of no limit yet.
    assert.ok(posts >= 1 + 19 && posts < 1 + 19 + 10, `${posts} posts`)
    // What is kept for ends is there for its own as well.
    await end(many[59]!)
    await queues.status(statusId(many[59]!), true)
    await eventually(() => shown('kanihook/image-59').length === 1)
    assert.deepEqual(shown('kanihook/image-59'), ['failure'])
  } finally {
    await worker.close()
    connection.disconnect()
    await queues.close()
  }
})

test('a burst of posts is spread over time, and an end is posted at once in the midst of it', async () => {
  await begin({ window: { limit: 5_000, remaining: 5_000, endsAt: now + 60 * minute } })
  const report = reporter()
  const many = await images(40)
  const outcomes = await Promise.allSettled(many.map((build) => report(statusId(build))))
  const late = many.filter((_, n) => outcomes[n]?.status === 'rejected')
  assert.ok(late.length > 0 && late.length <= 10, `${late.length}`)
  const [build] = late
  await putOff(report(statusId(build!)))
  await end(build!)
  await report(statusId(build!))
  assert.deepEqual(shown(`kanihook/${build!.image}`), ['failure'])
  now += minute
  for (const each of late) await report(statusId(each))
})

test('a limit that one status meets holds all of that credential off, ends too, in every worker, and no other', async () => {
  await begin()
  const [first, second] = await images(2)
  standIn.fail(waitABit)
  assert.equal(await putOff(reporter()(statusId(first!))), 90_000)
  assert.deepEqual(holds, [{ forge: 'github', account: '', why: 'limited', seconds: 90 }])
  await end(second!)
  assert.ok((await putOff(reporter()(statusId(second!)))) >= 90_000)
  now += 89_000
  assert.ok((await putOff(reporter()(statusId(first!)))) >= 1_000)
  assert.equal(standIn.requests.length, 1, 'nobody asks before the time')

  await reporter('two')(statusId(first!))
  assert.equal(standIn.requests.length, 2)
  now += 1_000
  await reporter()(statusId(second!))
  assert.deepEqual(shown('kanihook/image-1'), ['failure'])
})

test('when a hold ends, one request finds out for all whether it has', async () => {
  await begin()
  const many = await images(12)
  const report = reporter()
  standIn.fail(waitABit)
  await putOff(report(statusId(many[0]!)))
  now += 90_000
  standIn.fail(waitABit, 12)
  await Promise.all(many.map((build) => putOff(report(statusId(build)))))
  assert.equal(standIn.requests.length, 2)
})

test('a forge that is away for an hour is asked about once a minute, whatever is owed, and then shown all', async () => {
  await begin()
  const many = await images(12)
  const due = new Map(many.map((build) => [statusId(build), now]))
  const report = reporter()
  const back = now + 60 * minute
  standIn.failAll('drop')
  while (due.size > 0) {
    const [id, at] = [...due].toSorted((a, b) => a[1] - b[1])[0]!
    now = Math.max(now, at)
    if (now >= back) standIn.failAll(undefined)
    await report(id).then(
      () => due.delete(id),
      // As the queue does where nothing is said.
      (error: RetryLater) => due.set(id, now + (error.afterMs ?? minute)),
    )
  }
  const posted = many.map(({ image }) => shown(`kanihook/${image}`).length)
  assert.deepEqual(new Set(posted), new Set([1]))
  const inVain = standIn.requests.length - many.length
  assert.ok(inVain <= 80, `${inVain} requests`)
  assert.ok(now <= back + 3 * minute, 'all are shown soon after')
  assert.deepEqual(
    holds.map(({ why }) => why).filter((why) => why !== 'away'),
    [],
  )
})

test('a worker that dies between the post and its record has the same said again, and nothing else', async () => {
  await begin()
  const build = await create()
  const store = createStatusStore(redis.client)
  const dying = { ...store, recordShown: () => Promise.reject(new Error('killed')) }
  await assert.rejects(reporter('one', dying)(statusId(build)), /killed/)
  await reporter()(statusId(build))
  await reporter()(statusId(build))
  const bodies = standIn.requests.map(({ body }) => body)
  assert.equal(bodies.length, 2)
  assert.deepEqual(bodies[1], bodies[0])

  standIn.fail('unheard')
  await end(build)
  await putOff(reporter()(statusId(build)))
  await reporter()(statusId(build))
  assert.deepEqual(shown('kanihook/app'), ['pending', 'pending', 'failure', 'failure'])
})
