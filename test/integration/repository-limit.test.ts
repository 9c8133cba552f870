import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Redis } from 'ioredis'
import type { Build, BuildPlan } from '../../src/builds/build.ts'
import { createRestore } from '../../src/builds/restore.ts'
import { RetryLater } from '../../src/errors.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createQueueWorker, type QueueWorker } from '../../src/queue/worker.ts'
import { buildsQueue, createWorkQueues, type WorkQueues } from '../../src/queue/work-queues.ts'
import { eventually } from '../support/eventually.ts'
import { useRunner } from '../support/runner.ts'
import { buildPlan, imagePlan, repository, sha } from '../support/samples.ts'

/** How many builds of one repository run at once: real records and a real queue, and a cluster in memory. */

const its = useRunner()
let queues: WorkQueues
let builds: ReturnType<typeof createBuildStore>
let connection: Redis
let worker: QueueWorker | undefined

const atMost = (maxPerRepository: number): ReturnType<typeof createBuildStore> =>
  createBuildStore({
    redis: its.redis.client,
    retentionMs: 60_000,
    now: Date.now,
    maxPerRepository,
  })

beforeEach(() => {
  builds = atMost(1)
  queues = createWorkQueues({ redis: its.redis.client })
  connection = its.redis.client.duplicate({ maxRetriesPerRequest: null })
})
afterEach(async () => {
  await worker?.close()
  worker = undefined
  await queues.close()
  connection.disconnect()
})

async function push(n: number, change: Partial<BuildPlan> = {}): Promise<BuildPlan> {
  const plan = buildPlan({
    ref: `refs/heads/b${n}`,
    plan: { ...imagePlan, destinations: [`registry.example.com/app:b${n}`] },
    ...change,
  })
  await builds.create(plan)
  await queues.build(plan.id)
  return plan
}

async function changed({ id }: Pick<Build, 'id'>): Promise<void> {
  const build = (await builds.get(id)) as Build
  its.shown.push(`${build.ref.slice(11)} ${build.state} ${build.steps.at(-1)?.note ?? ''}`.trim())
  if (build.endedAt === undefined) return
  for (const next of await builds.mayStart(build)) await queues.buildNow(next)
}

function work(): void {
  worker = createQueueWorker<string, void>({
    queue: buildsQueue,
    redis: connection,
    concurrency: 10,
    onError: () => undefined,
    work: (id, signal) => its.run(id, { builds, changed }, signal),
  })
}

const state = async ({ id }: BuildPlan): Promise<string | undefined> =>
  (await builds.get(id))?.state
const runs = (plan: BuildPlan): Promise<true> =>
  eventually(async () => (await state(plan)) === 'starting' || undefined)
const end = async (plan: BuildPlan): Promise<void> =>
  changed(await builds.end(plan.id, { state: 'failed', reason: 'x' }))
const full = { limit: 1, before: 0 }

describe('a build whose repository is full', () => {
  it('holds no slot, says what it waits for, and starts when one has ended', async () => {
    const first = await push(1)
    work()
    await runs(first)
    const second = await push(2)
    const note = `b2 waiting Waiting: 1 build of ${repository.path} is running, as many as may at once`
    await eventually(() => its.shown.includes(note))
    await eventually(async () => {
      const depths = await queues.depths()
      const jobs = (wanted: string): number | undefined =>
        depths.find(({ queue, state }) => queue === buildsQueue && state === wanted)?.jobs
      return jobs('active') === 1 && jobs('delayed') === 1
    })
    // It would be looked at after 30 s by itself.
    await end(first)
    await runs(second)
  })

  it('is not overtaken by one that came later, not even when it is the later one that asks', async () => {
    const [first, second, third] = [await push(1), await push(2), await push(3)]
    assert.equal(await builds.start(first.id), undefined)
    assert.deepEqual(await builds.start(second.id), full)
    await builds.end(first.id, { state: 'failed', reason: 'x' })
    assert.deepEqual(await builds.start(third.id), { limit: 1, before: 1 })
    assert.equal(await builds.start(second.id), undefined)
  })

  it('leaves its turn to what supersedes it, and to the next one when it is cancelled', async () => {
    const [first, second, third] = [await push(1), await push(2), await push(3)]
    await builds.start(first.id)
    await builds.start(second.id)
    await builds.start(third.id)
    const head = await push(2, { generation: 2, sha: sha('b') })
    assert.equal(await state(second), 'superseded')
    await builds.start(head.id)
    assert.deepEqual(
      await builds.mayStart(await builds.end(first.id, { state: 'failed', reason: 'x' })),
      [head.id],
    )
    await builds.requestStop(head.id, { why: 'cancelled', by: 'an operator' })
    assert.equal(await builds.start(third.id), undefined)
  })

  it('waits for none that waits for it: what pushes its tags comes first, then it is counted', async () => {
    const tags = { ...imagePlan, destinations: ['registry.example.com/app:latest'] }
    const all = [
      await push(1, { plan: tags }),
      await push(2, { plan: tags }),
      await push(3),
      await push(4, { plan: tags }),
    ]
    work()
    for (const plan of all.toSorted(
      ({ plan: a }, { plan: b }) => a.destinations.length - b.destinations.length,
    )) {
      await eventually(async () => {
        if ((await state(plan)) === 'starting') return true
        // Whichever runs is ended, so that the others go on.
        for (const each of all) if ((await state(each)) === 'starting') await end(each)
        return (await state(plan)) === 'failed'
      })
    }
  })
})

describe('a place of a repository is free again', () => {
  it('when the record of the build that had it is gone', async () => {
    const [first, second] = [await push(1), await push(2)]
    await builds.start(first.id)
    await its.redis.client.del(`{kanihook}:build:${first.id}`)
    assert.equal(await builds.start(second.id), undefined)
  })

  it('when the queue has no entry of that build, as nobody will ever end it', async () => {
    const [first, second] = [await push(1), await push(2)]
    await builds.start(first.id)
    await builds.update(first.id, { state: 'starting', tries: 1 })
    assert.deepEqual(await builds.start(second.id), full)
    await queues.leave(first.id)
    assert.equal(await builds.start(second.id), undefined)
  })

  it('when the one that was next in line is gone', async () => {
    const [first, second, third] = [await push(1), await push(2), await push(3)]
    await builds.start(first.id)
    await builds.start(second.id)
    await builds.end(first.id, { state: 'failed', reason: 'x' })
    assert.deepEqual(await builds.start(third.id), { limit: 1, before: 1 })
    await its.redis.client.del(`{kanihook}:build:${second.id}`)
    assert.equal(await builds.start(third.id), undefined)
  })
})

describe('a place of a repository is kept', () => {
  it('by a build that was put off after it had started', async () => {
    const first = await push(1)
    its.cluster.refuse(new RetryLater('exceeded quota', { afterMs: 600_000 }))
    work()
    await runs(first)
    await eventually(async () =>
      (await queues.depths()).some(
        ({ queue, state, jobs }) => queue === buildsQueue && state === 'delayed' && jobs === 1,
      ),
    )
    const second = await push(2)
    await eventually(() => its.shown.some((line) => line.startsWith('b2 waiting Waiting')))
    assert.equal(await state(second), 'waiting')
  })

  it('by all that run when the limit is lowered, and none is taken before they are fewer', async () => {
    builds = atMost(3)
    const all = [await push(1), await push(2), await push(3)]
    for (const { id } of all) assert.equal(await builds.start(id), undefined)
    builds = atMost(1)
    const next = await push(4)
    for (const { id } of all) {
      assert.deepEqual(await builds.start(next.id), full)
      await builds.end(id, { state: 'failed', reason: 'x' })
    }
    assert.equal(await builds.start(next.id), undefined)
  })

  it('by all whose Jobs were found when Redis was lost, however many they are', async () => {
    const found = [1, 2].map((n) => buildPlan({ ref: `refs/heads/b${n}` }))
    const restored = await createRestore({
      jobs: async () =>
        found.map((build) => ({ name: build.id, build, tries: 1, createdAt: 1, ended: false })),
      builds,
      refs: its.refs,
      remove: async () => undefined,
      enqueue: queues.build,
      changed: async () => undefined,
    })()
    assert.equal(restored.adopted.length, 2)
    const next = await push(3)
    assert.deepEqual(await builds.start(next.id), full)
  })
})
