import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { jobName, type BuildPlan } from '../../src/builds/build.ts'
import { createOrphanRemoval } from '../../src/builds/orphans.ts'
import type { KeptJob } from '../../src/builds/restore.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { useRedis } from '../support/redis.ts'
import { buildPlan } from '../support/samples.ts'

/** Jobs that outlived their builds, on a real Redis. */

const redis = useRedis()
const endedAt = 1_700_000_000_000
const muchLater = endedAt + 3_600_000
let builds: ReturnType<typeof createBuildStore>

beforeEach(() => {
  const now = (): number => endedAt
  builds = createBuildStore({ redis: redis.client, retentionMs: 60_000, maxPerRepository: 0, now })
})

const job = (build: BuildPlan, more: Partial<KeptJob> = {}): KeptJob => ({
  build,
  name: jobName(build, 1),
  tries: 1,
  createdAt: endedAt,
  ended: false,
  ...more,
})

const orphans = (now: number, ...jobs: KeptJob[]): Promise<readonly string[]> =>
  createOrphanRemoval({
    jobs: async () => jobs,
    builds,
    remove: async () => undefined,
    now: () => now,
  })()

async function ended(): Promise<BuildPlan> {
  const build = buildPlan()
  await builds.create(build)
  await builds.end(build.id, { state: 'error', reason: 'its node is gone' })
  return build
}

test('a Job that still runs long after its build has ended is removed', async () => {
  const build = await ended()
  assert.deepEqual(await orphans(muchLater, job(build)), [jobName(build, 1)])
})

test('one whose build has just ended is left to who ends it', async () => {
  assert.deepEqual(await orphans(endedAt + 1_000, job(await ended())), [])
})

test('one that has ended is left to its time to live', async () => {
  assert.deepEqual(await orphans(muchLater, job(await ended(), { ended: true })), [])
})

test('one of a build that goes on is left alone', async () => {
  const build = buildPlan()
  await builds.create(build)
  assert.deepEqual(await orphans(muchLater, job(build)), [])
})

test('one that no record knows may be another kanihook’s and is left alone', async () => {
  assert.deepEqual(await orphans(muchLater, job(buildPlan())), [])
})
