import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { createOperator } from '../../src/admin/operator.ts'
import type { Build, BuildPlan } from '../../src/builds/build.ts'
import { PermanentError } from '../../src/errors.ts'
import { createStores, type Stores } from '../../src/queue/stores.ts'
import { useRedis } from '../support/redis.ts'
import { buildPlan, repository, sha } from '../support/samples.ts'

const redis = useRedis()
let stores: Stores
let queued: string[]
let operator: ReturnType<typeof createOperator>

beforeEach(() => {
  const settings = { buildRetentionMs: 60_000, logRetentionMs: 60_000, maxBuildsPerRepository: 0 }
  stores = createStores(redis.client, settings)
  queued = []
  operator = createOperator({
    stores,
    queues: {
      build: async (id) => void queued.push(id),
      buildNow: async () => undefined,
      status: async () => undefined,
    },
    deliveries: { accept: () => Promise.reject(new Error('nothing is delivered here')) },
  })
})

/** A build of the head that its ref has now. */
async function create(change: Partial<BuildPlan> = {}): Promise<BuildPlan> {
  const plan = buildPlan(change)
  const { refs, builds } = stores
  const seen = await refs.ref(plan.repository, plan.ref)
  await refs.recordHead(plan.repository, plan.ref, plan.sha, {
    seen: seen.generation,
    baseline: false,
  })
  await builds.create(plan)
  return plan
}

const ended = (id: string): Promise<Build> =>
  stores.builds.end(id, { state: 'failed', reason: 'Dockerfile not found: Dockerfile' })

test('a rebuild is a new attempt at the same commit that says who wanted it', async () => {
  const { id } = await create()
  await ended(id)
  const again = await operator.builds.rebuild(id, { by: 'an operator' })
  assert.deepEqual(
    [again?.attempt, again?.sha, again?.state, again?.cause],
    [2, sha('a'), 'waiting', `rebuild of ${id} by an operator`],
  )
  assert.deepEqual(queued, [again?.id])
})

test('a rebuild of a rebuild is the next attempt', async () => {
  const { id } = await create()
  await ended(id)
  const second = await operator.builds.rebuild(id, { by: 'x' })
  await ended(second?.id ?? '')
  assert.equal((await operator.builds.rebuild(id, { by: 'x' }))?.attempt, 3)
})

test('a rebuild may say more, in that attempt alone', async () => {
  const { id } = await create()
  await ended(id)
  const loud = await operator.builds.rebuild(id, { by: 'an operator', verbosity: 'debug' })
  assert.deepEqual(
    [loud?.plan.verbosity, loud?.cause],
    ['debug', `rebuild of ${id} by an operator with verbosity debug`],
  )
  await ended(loud?.id ?? '')
  const next = await operator.builds.rebuild(loud?.id ?? '', { by: 'an operator' })
  assert.equal(next?.plan.verbosity, 'info')
})

test('a build that runs is not built a second time beside itself', async () => {
  const { id } = await create()
  await assert.rejects(operator.builds.rebuild(id, { by: 'x' }), PermanentError)
})

test('a commit that its ref has left is not rebuilt: its tags would move back', async () => {
  const { id } = await create()
  await ended(id)
  await create({ generation: 2, sha: sha('b') })
  await assert.rejects(operator.builds.rebuild(id, { by: 'x' }), /has moved on/)
})

test('cancelling ends a waiting build at once and asks the holder of a running one', async () => {
  const waiting = await create()
  assert.equal((await operator.builds.cancel(waiting.id, 'me'))?.state, 'cancelled')
  const running = await create({ ref: 'refs/heads/other' })
  await stores.builds.update(running.id, { state: 'running' })
  const asked = await operator.builds.cancel(running.id, 'me')
  assert.deepEqual([asked?.state, asked?.stop], ['running', { why: 'cancelled', by: 'me' }])
  await assert.rejects(operator.builds.cancel(waiting.id, 'me'), /has ended already/)
})

test('builds are listed by repository and state, as many as are asked for', async () => {
  const first = await create()
  await ended(first.id)
  const other = await create({ repository: { ...repository, id: '8', path: 'acme/other' } })
  const list = async (change: object): Promise<string[]> => {
    const query = {
      id: undefined,
      repository: undefined,
      state: undefined,
      limit: 10,
      before: undefined,
    }
    return (await operator.builds.list({ ...query, ...change })).map(({ id }) => id)
  }
  assert.deepEqual(new Set(await list({})), new Set([first.id, other.id]))
  assert.deepEqual(await list({ repository: 'acme/app' }), [first.id])
  assert.deepEqual(await list({ repository: 'git.example.com/acme/other' }), [other.id])
  assert.deepEqual(await list({ state: 'failed' }), [first.id])
  assert.equal((await list({ limit: 1 })).length, 1)
  assert.deepEqual(await list({ id: first.id.slice(0, 10) }), [first.id])
  assert.deepEqual(await list({ id: first.id.slice(0, 10), state: 'waiting' }), [])
  assert.deepEqual(await list({ id: first.id, before: 1 }), [])
  assert.deepEqual(await list({ id: '' }), await list({}))
})

test('what is not there is undefined, not an error', async () => {
  assert.equal(await operator.builds.rebuild('0'.repeat(16), { by: 'x' }), undefined)
  assert.equal(await operator.builds.cancel('0'.repeat(16), 'x'), undefined)
})

test('a push that was never planned is not rebuilt: its commit was never verified', async () => {
  const { id } = await create({ attempt: 0 })
  await ended(id)
  await assert.rejects(operator.builds.rebuild(id, { by: 'x' }), /was never planned/)
})
