import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  createPlanner,
  type Planner,
  type PlannerOptions,
  type PlanResult,
} from '../../src/builds/plan.ts'
import type { BuildStore, GitRemote } from '../../src/builds/ports.ts'
import type { TagClaim } from '../../src/builds/build.ts'
import type { Delivery } from '../../src/builds/push-event.ts'
import type { RepositoryRule, Rules } from '../../src/builds/rules.ts'
import { RetryLater } from '../../src/errors.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { useRedis } from '../support/redis.ts'
import { delivery, imageRule, repository, rulesOf, sha, zeroSha } from '../support/samples.ts'

const redis = useRedis()
let builds: BuildStore
let refs: ReturnType<typeof createRefStore>

/** What the forge's git says now: commits by ref. */
let heads: Map<string, string>
/** Files that changed between two commits, by `from..to`. */
let changes: Map<string, string[]>
let git: GitRemote
/** Builds that were put into the queue. */
let queued: string[]

beforeEach(() => {
  builds = createBuildStore({
    redis: redis.client,
    retentionMs: 60_000,
    maxPerRepository: 0,
    now: Date.now,
  })
  refs = createRefStore(redis.client)
  heads = new Map()
  queued = []
  changes = new Map()
  git = {
    head: async (_, ref) => {
      const commit = heads.get(ref)
      return commit === undefined ? undefined : { commit, object: commit }
    },
    changedFiles: async (_, from, to) => changes.get(`${from}..${to}`),
    file: async () => undefined,
  }
})

const planner = (options: Partial<PlannerOptions> = {}): Planner =>
  createPlanner({
    git,
    refs,
    builds,
    rules: rulesOf(),
    enqueue: async (id) => void queued.push(id),
    now: Date.now,
    ...options,
  })

const plan = (from: Delivery, options: Partial<PlannerOptions> = {}): Promise<PlanResult> =>
  planner(options).plan(from)

const push = (ref: string, before: string, after: string): Delivery => {
  heads.set(ref, after)
  return delivery({ ref, before, after })
}

const main = 'refs/heads/main'

test('a push of the head makes one build of every image at that commit', async () => {
  const rules = rulesOf(imageRule, {
    ...imageRule,
    name: 'worker',
    destinations: ['registry.example.com/worker'],
  })
  const result = await plan(push(main, zeroSha, sha('a')), { rules })
  assert.equal(result.decision, 'planned')
  const made = await Promise.all(result.builds.map((id) => builds.get(id)))
  assert.deepEqual(
    made.map((build) => [build?.image, build?.sha, build?.state]),
    [
      ['app', sha('a'), 'waiting'],
      ['worker', sha('a'), 'waiting'],
    ],
  )
})

test('an image says when it was planned, unless it is to be reproducible', async () => {
  const rules = rulesOf(imageRule, { ...imageRule, name: 'same', reproducible: true, tags: ['x'] })
  const now = (): number => Date.parse('2026-01-31T23:59:58.765Z')
  const { builds: ids } = await plan(push(main, zeroSha, sha('a')), { rules, now })
  const made = await Promise.all(ids.map((id) => builds.get(id)))
  const created = made.map((build) => build?.plan.labels['org.opencontainers.image.created'])
  assert.deepEqual(created, ['2026-01-31T23:59:58Z', undefined])
})

test('the same push delivered twice is one build', async () => {
  const first = await plan(push(main, zeroSha, sha('a')))
  const second = await plan(delivery({ before: zeroSha, after: sha('a') }))
  assert.deepEqual(second.builds, first.builds)
  assert.match(second.reason, /its builds exist already/)
})

test('two deliveries of one push planned at the same time are one build', async () => {
  const event = push(main, zeroSha, sha('a'))
  const results = await Promise.all([plan(event), plan(event), plan(event)])
  assert.equal(new Set(results.flatMap((result) => result.builds)).size, 1)
})

test('a signed push that names a commit the ref does not point at builds nothing and says why', async () => {
  heads.set(main, sha('a'))
  const result = await plan(delivery({ before: zeroSha, after: sha('f') }))
  assert.equal(result.decision, 'ignored')
  assert.match(result.reason, /refs\/heads\/main points at a{12}, not at f{12}: nothing was built/)
  assert.deepEqual(queued, [])
})

test('the same forged push after a real one builds nothing more', async () => {
  const real = await plan(push(main, zeroSha, sha('a')))
  const forged = await plan(delivery({ before: sha('a'), after: sha('f') }), { staleReadMs: 0 })
  assert.deepEqual(forged.builds, [])
  assert.deepEqual(new Set(queued), new Set(real.builds))
})

test('a late delivery of an older push builds the head that git has, once', async () => {
  await plan(push(main, zeroSha, sha('a')))
  heads.set(main, sha('c'))
  const late = await plan(delivery({ before: sha('a'), after: sha('b') }))
  const newest = await plan(delivery({ before: sha('b'), after: sha('c') }))
  assert.deepEqual(newest.builds, late.builds)
  assert.equal((await builds.get(late.builds[0] ?? ''))?.sha, sha('c'))
})

test('A, then B, then A again builds A again', async () => {
  const first = await plan(push(main, zeroSha, sha('a')))
  await plan(push(main, sha('a'), sha('b')))
  const third = await plan(push(main, sha('b'), sha('a')))
  assert.notDeepEqual(third.builds, first.builds)
  assert.equal((await builds.get(third.builds[0] ?? ''))?.sha, sha('a'))
})

test('a branch that was deleted and made again at the same commit is built again', async () => {
  const first = await plan(push(main, zeroSha, sha('a')))
  heads.delete(main)
  const gone = await plan(delivery({ before: sha('a'), after: zeroSha }))
  assert.equal(gone.decision, 'ignored')
  const again = await plan(push(main, zeroSha, sha('a')))
  assert.notDeepEqual(again.builds, first.builds)
})

test('a head equal to the one before the push is asked again for a while, then believed', async () => {
  heads.set(main, sha('a'))
  await assert.rejects(plan(delivery({ before: sha('a'), after: sha('b') })), RetryLater)
  const old = {
    ...delivery({ before: sha('a'), after: sha('b') }),
    receivedAt: Date.now() - 60_000,
  }
  assert.equal((await plan(old)).decision, 'ignored')
})

test('a newer head ends the waiting build and asks the running one to stop', async () => {
  const first = await plan(push(main, zeroSha, sha('a')))
  await builds.update(first.builds[0] ?? '', { state: 'running' })
  const second = await plan(push(main, sha('a'), sha('b')))
  assert.deepEqual(second.superseded, first.builds)
  const running = await builds.get(first.builds[0] ?? '')
  assert.deepEqual(
    [running?.state, running?.stop],
    ['running', { why: 'superseded', bySha: sha('b') }],
  )
  const third = await plan(push(main, sha('b'), sha('c')))
  assert.deepEqual(third.superseded, second.builds)
  const waiting = await builds.get(second.builds[0] ?? '')
  assert.deepEqual(waiting?.outcome, { state: 'superseded', reason: 'Superseded by ccccccc' })
})

test('a running build whose predecessor was superseded is left alone: a busy branch ships', async () => {
  const first = await plan(push(main, zeroSha, sha('a')))
  await builds.update(first.builds[0] ?? '', { state: 'running' })
  const second = await plan(push(main, sha('a'), sha('b')))
  await builds.end(first.builds[0] ?? '', { state: 'superseded', reason: 'Superseded by b' })
  await builds.update(second.builds[0] ?? '', { state: 'running' })
  const third = await plan(push(main, sha('b'), sha('c')))
  assert.deepEqual(third.superseded, [])
  assert.equal((await builds.get(second.builds[0] ?? ''))?.stop, undefined)
})

test('tags are never superseded', async () => {
  const first = await plan(push('refs/tags/v1', zeroSha, sha('a')))
  const moved = await plan(push('refs/tags/v1', sha('a'), sha('b')))
  assert.deepEqual(moved.superseded, [])
  assert.equal((await builds.get(first.builds[0] ?? ''))?.state, 'waiting')
})

test('an annotated tag is known by its object and built at its commit', async () => {
  git = { ...git, head: async () => ({ object: sha('d'), commit: sha('a') }) }
  const result = await plan(delivery({ ref: 'refs/tags/v1.2.3', before: zeroSha, after: sha('d') }))
  const build = await builds.get(result.builds[0] ?? '')
  assert.equal(build?.sha, sha('a'))
  assert.deepEqual(build?.plan.destinations, [
    'registry.example.com/acme/app:v1.2.3',
    `registry.example.com/acme/app:${sha('a').slice(0, 12)}`,
  ])
})

test('a branch named like a release cannot take the release’s tag, and is told who owns it', async () => {
  await plan(push('refs/tags/v1.2.3', zeroSha, sha('a')))
  const result = await plan(push('refs/heads/v1.2.3', zeroSha, sha('b')))
  const build = await builds.get(result.builds[0] ?? '')
  assert.deepEqual(build?.outcome, {
    state: 'failed',
    reason: 'Tag registry.example.com/acme/app:v1.2.3 belongs to refs/tags/v1.2.3',
  })
})

test('{major} moves forward only: an older release leaves it where it is', async () => {
  const rules = rulesOf({ ...imageRule, tags: ['{tag}', '{major}'] })
  await plan(push('refs/tags/v1.10.0', zeroSha, sha('a')), { rules })
  const older = await plan(push('refs/tags/v1.9.0', zeroSha, sha('b')), { rules })
  const build = await builds.get(older.builds[0] ?? '')
  assert.deepEqual(build?.plan.destinations, ['registry.example.com/acme/app:v1.9.0'])
})

test('an image none of whose tags has a value ends as failed with the reason', async () => {
  const rules = rulesOf({ ...imageRule, tags: ['{tag}'] })
  const result = await plan(push(main, zeroSha, sha('a')), { rules })
  const build = await builds.get(result.builds[0] ?? '')
  assert.deepEqual(build?.outcome, {
    state: 'failed',
    reason: 'No tag of [{tag}] has a value on a branch: add one such as {shortSha}',
  })
})

test('an image whose paths no change touched since its last success is skipped; in doubt it is built', async () => {
  const rules = rulesOf({
    ...imageRule,
    paths: { concern: (files) => files.some((path) => path.startsWith('api/')) },
  })
  const first = await plan(push(main, zeroSha, sha('a')), { rules })
  await builds.end(first.builds[0] ?? '', { state: 'succeeded', pushed: [] })
  changes.set(`${sha('a')}..${sha('b')}`, ['docs/x.md'])
  const skipped = await plan(push(main, sha('a'), sha('b')), { rules })
  assert.equal((await builds.get(skipped.builds[0] ?? ''))?.state, 'skipped')
  const unknown = await plan(push(main, sha('b'), sha('c')), { rules })
  assert.equal((await builds.get(unknown.builds[0] ?? ''))?.state, 'waiting')
})

test('the same name with another id is refused until an operator trusts it', async () => {
  await plan(push(main, zeroSha, sha('a')))
  const taken = { ...repository, id: '99' }
  const refused = await plan(delivery({ repository: taken, after: sha('a') }))
  assert.match(refused.reason, /was repository 7 and is now 99/)
  await refs.trust(taken)
  const planned = await plan(delivery({ repository: taken, after: sha('a') }))
  assert.equal((await builds.get(planned.builds[0] ?? ''))?.state, 'waiting')
})

test('who signs for one path gets nothing of the repository whose id it names, until an operator trusts it', async () => {
  const entry = rulesOf().find(repository)
  const signed = (path: string): string => (path.startsWith('evil/') ? 'evil' : 'acme')
  const rules: Rules = {
    find: ({ path }) => entry && { ...entry, webhookSecret: signed(path) },
  }
  const own = await plan(push(main, zeroSha, sha('a')), { rules })
  const evil = { ...repository, path: 'evil/app' }
  const forged = delivery({ repository: evil, before: sha('a'), after: sha('b') })
  heads.set(main, sha('b'))
  const refused = await plan(forged, { rules })
  assert.match(refused.reason, /is known as acme\/app, for which another webhook secret signs/)
  assert.equal((await builds.get(own.builds[0] ?? ''))?.state, 'waiting')
  await refs.trust(evil)
  assert.equal((await plan(forged, { rules })).decision, 'planned')
})

test('a repository that was renamed is still the same one, where one secret signs for both names', async () => {
  await plan(push(main, zeroSha, sha('a')))
  const renamed = { ...repository, path: 'acme/renamed' }
  heads.set(main, sha('b'))
  const next = delivery({ repository: renamed, before: sha('a'), after: sha('b') })
  assert.equal((await plan(next)).superseded.length, 1)
})

test('a repository without an entry is ignored with that reason', async () => {
  const result = await plan(push(main, zeroSha, sha('a')), { rules: { find: () => undefined } })
  assert.equal(result.reason, 'No entry of kanihook.yaml matches git.example.com/acme/app')
})

test('a push that cannot be planned ends as an error on the commit that it named, once git works it is built', async () => {
  const event = push(main, zeroSha, sha('a'))
  const [id = ''] = await planner().giveUp(event, 'Git refused access')
  const failed = await builds.get(id)
  assert.deepEqual(
    [failed?.sha, failed?.outcome],
    [sha('a'), { state: 'error', reason: 'Git refused access' }],
  )
  const planned = await plan(event)
  assert.equal((await builds.get(planned.builds[0] ?? ''))?.state, 'waiting')
})

test('a pull request that cannot be planned ends on the images of kanihook.yaml, whatever it says of itself', async () => {
  const named: RepositoryRule = {
    ...rulesOf().find(repository)!,
    ownFile: {
      path: '.kanihook.yaml',
      maxBytes: 1_000,
      namesImages: true,
      refine: () => ({ images: [{ ...imageRule, name: 'strange' }], said: new Map() }),
    },
  }
  const event = push('refs/pull/7/head', zeroSha, sha('a'))
  const own = { ...event, event: { ...event.event, pullRequest: { fork: false, head: 'topic' } } }
  const ids = await planner({ rules: { find: () => named } }).giveUp(own as Delivery, 'No access')
  const images = await Promise.all(ids.map(async (id) => (await builds.get(id))?.image))
  assert.deepEqual(images, ['app'])
})

test('a plan that was overtaken makes no build: it is made again for the newer head', async () => {
  const rules = rulesOf({ ...imageRule, paths: { concern: () => true } })
  const first = await plan(push(main, zeroSha, sha('a')), { rules })
  await builds.end(first.builds[0] ?? '', { state: 'succeeded', pushed: [] })
  let reached = (): void => {}
  const diffing = new Promise<void>((resolve) => (reached = resolve))
  let proceed = (): void => {}
  const held = new Promise<void>((resolve) => (proceed = resolve))
  const slow: GitRemote = {
    ...git,
    changedFiles: async () => {
      reached()
      await held
      return undefined
    },
  }
  const overtaken = plan(push(main, sha('a'), sha('b')), { rules, git: slow })
  await diffing
  const newest = await plan(push(main, sha('b'), sha('c')), { rules })
  proceed()
  await assert.rejects(overtaken, /has moved on since it was planned/)
  assert.equal((await builds.get(newest.builds[0] ?? ''))?.sha, sha('c'))
})

test('a diff that cannot be had is no reason to hold a push back', async () => {
  const rules = rulesOf({ ...imageRule, paths: { concern: () => false } })
  const first = await plan(push(main, zeroSha, sha('a')), { rules })
  await builds.end(first.builds[0] ?? '', { state: 'succeeded', pushed: [] })
  const broken = { ...git, changedFiles: () => Promise.reject(new RetryLater('no answer in time')) }
  const second = await plan(push(main, sha('a'), sha('b')), { rules, git: broken })
  assert.equal((await builds.get(second.builds[0] ?? ''))?.state, 'waiting')
})

test('a branch that is deleted gives its tags back to others', async () => {
  await plan(push('refs/heads/feature/x', zeroSha, sha('a')))
  const taken = await plan(push('refs/heads/feature-x', zeroSha, sha('b')))
  assert.equal((await builds.get(taken.builds[0] ?? ''))?.state, 'failed')
  heads.delete('refs/heads/feature/x')
  await plan(delivery({ ref: 'refs/heads/feature/x', before: sha('a'), after: zeroSha }))
  const free = await plan(push('refs/heads/feature-x', sha('b'), sha('c')))
  assert.equal((await builds.get(free.builds[0] ?? ''))?.state, 'waiting')
})

test('an image that was renamed in kanihook.yaml keeps its tags', async () => {
  await plan(push(main, zeroSha, sha('a')))
  const rules = rulesOf({ ...imageRule, name: 'renamed' })
  const result = await plan(push(main, sha('a'), sha('b')), { rules })
  assert.equal((await builds.get(result.builds[0] ?? ''))?.state, 'waiting')
})

test('a branch called 1 is told that {major} owns that tag', async () => {
  const rules = rulesOf({ ...imageRule, tags: ['{branch}', '{major}', '{shortSha}'] })
  await plan(push('refs/tags/v1.0.0', zeroSha, sha('a')), { rules })
  const result = await plan(push('refs/heads/1', zeroSha, sha('b')), { rules })
  const build = await builds.get(result.builds[0] ?? '')
  assert.deepEqual(build?.outcome, {
    state: 'failed',
    reason: 'Tag registry.example.com/acme/app:1 belongs to refs/tags/v1.0.0',
  })
})

test('an image with two destinations is one build that pushes each tag to both, with one cache', async () => {
  const destinations = ['registry.example.com/{repo}', 'other.example.com/mirror/{repo}']
  const rules = rulesOf({ ...imageRule, destinations, tags: ['{branch}', 'latest'] })
  const planned = await plan(push(main, zeroSha, sha('a')), { rules })
  assert.equal(planned.builds.length, 1)
  const build = await builds.get(planned.builds[0] ?? '')
  assert.deepEqual(build?.plan.destinations, [
    'registry.example.com/app:main',
    'registry.example.com/app:latest',
    'other.example.com/mirror/app:main',
    'other.example.com/mirror/app:latest',
  ])
  assert.equal(build?.plan.cache.repository, 'registry.example.com/app/cache')
})

test('a plan that breaks off has not left the images before it behind', async () => {
  const rules = rulesOf(imageRule, {
    ...imageRule,
    name: 'second',
    destinations: ['registry.example.com/second'],
  })
  const broken = {
    ...refs,
    claimTag: (claim: TagClaim) =>
      claim.image === 'second' ? Promise.reject(new RetryLater('moved on')) : refs.claimTag(claim),
  }
  await assert.rejects(plan(push('refs/tags/v1', zeroSha, sha('a')), { rules, refs: broken }))
  assert.equal(queued.length, 1)
  assert.equal((await builds.get(queued[0] ?? ''))?.image, 'app')
})
