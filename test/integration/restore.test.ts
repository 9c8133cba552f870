import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { jobName, type BuildPlan } from '../../src/builds/build.ts'
import { createRestore, type KeptJob, type Restored } from '../../src/builds/restore.ts'
import { identityAnnotations, readIdentity } from '../../src/cluster/job-identity.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { useRedis } from '../support/redis.ts'
import { buildPlan, imagePlan, repository, sha } from '../support/samples.ts'

/** Records made anew of what Jobs say, on a real Redis. */

const redis = useRedis()
const main = 'refs/heads/main'
let builds: ReturnType<typeof createBuildStore>
let refs: ReturnType<typeof createRefStore>
let removed: string[]
let queued: string[]

beforeEach(() => {
  const store = { redis: redis.client, retentionMs: 60_000 }
  builds = createBuildStore({ ...store, maxPerRepository: 0, now: Date.now })
  refs = createRefStore(redis.client)
  removed = []
  queued = []
})

/** A Job as it is read back from what was written on it. */
function keptJob(plan: BuildPlan, more: Partial<KeptJob> = {}): KeptJob {
  const { tries = 1, part } = more
  const identity = readIdentity(identityAnnotations(plan, tries, part))
  assert.ok(identity)
  const name = jobName(plan, tries, part)
  return { ...identity, name, createdAt: 1_700_000_000_000, ended: false, ...more }
}

const restore = (...jobs: KeptJob[]): Promise<Restored> =>
  createRestore({
    jobs: async () => jobs,
    builds,
    refs,
    remove: async ({ name }) => void removed.push(name),
    enqueue: async (id) => void queued.push(id),
    changed: async () => undefined,
  })()

test('a record comes back whole, with its try, and what it knows of its ref and repository', async () => {
  const plan = buildPlan({
    generation: 5,
    headBranch: 'topic',
    foundBy: 'sweep',
    summary: { images: ['app', 'web'] },
    moving: [{ destination: 'r.io/app:1', repositoryId: 'gitea/7', image: 'app', ref: '' }],
  })
  await restore(keptJob(plan, { tries: 2 }))
  const build = await builds.get(plan.id)
  const { state, tries } = build ?? {}
  assert.deepEqual({ state, tries }, { state: 'starting', tries: 2 })
  for (const [key, value] of Object.entries(plan)) {
    assert.deepEqual(build?.[key as keyof BuildPlan], JSON.parse(JSON.stringify(value)), key)
  }
  assert.deepEqual(queued, [plan.id])
  const { generation, head } = await refs.ref(repository, main)
  assert.deepEqual([generation, head], [5, plan.sha])
  assert.equal(await refs.knownRepositoryId({ ...repository, id: '99' }), repository.id)
})

test('of several platforms each part has its own tries again', async () => {
  const platforms = ['linux/amd64', 'linux/arm64']
  const plan = buildPlan({ plan: { ...imagePlan, platforms } })
  await restore(
    keptJob(plan, { part: 'linux/amd64', tries: 1 }),
    keptJob(plan, { part: 'linux/amd64', tries: 2 }),
    keptJob(plan, { part: 'linux/arm64', tries: 1, ended: true }),
  )
  const { parts, tries } = (await builds.get(plan.id)) ?? {}
  assert.deepEqual([tries, parts?.['linux/amd64']?.tries, parts?.['linux/arm64']?.tries], [1, 2, 1])
})

test('an older build that still runs is removed and its commit told, one that has ended is left alone', async () => {
  const older = buildPlan({ generation: 1, sha: sha('a') })
  const newer = buildPlan({ generation: 2, sha: sha('b') })
  const other = buildPlan({ generation: 1, sha: sha('a'), image: 'web' })
  const { adopted } = await restore(keptJob(older), keptJob(newer), keptJob(other, { ended: true }))
  assert.deepEqual(adopted, [newer.id])
  assert.deepEqual(removed, [jobName(older, 1)])
  const told = (await builds.list({ limit: 9 })).filter((build) => build.sha === older.sha)
  assert.deepEqual(
    told.map(({ image, outcome }) => [image, outcome]),
    [['app', { state: 'superseded', reason: 'Superseded by bbbbbbb' }]],
  )
})

test('a ref that was planned anew meanwhile has one build: the Job of the lost one is removed', async () => {
  await refs.recordHead(repository, main, sha('a'), { seen: 0, baseline: false })
  const lost = buildPlan({ generation: 7, sha: sha('a') })
  const { adopted } = await restore(keptJob(lost))
  assert.deepEqual(adopted, [])
  assert.deepEqual(removed, [jobName(lost, 1)])
  assert.deepEqual(await builds.list({ limit: 9 }), [], 'the status is that of the other build')
})

test('what has a record is left as it is, and twice is once', async () => {
  const plan = buildPlan()
  await restore(keptJob(plan))
  await builds.update(plan.id, { state: 'running', tries: 3 })
  await restore(keptJob(plan))
  const { state, tries } = (await builds.get(plan.id)) ?? {}
  assert.deepEqual([state, tries], ['running', 3])
  await builds.end(plan.id, { state: 'failed', reason: 'RUN failed' })
  queued = []
  await restore(keptJob(plan, { ended: true }))
  assert.deepEqual(queued, [])
  assert.equal((await builds.get(plan.id))?.state, 'failed')
})
