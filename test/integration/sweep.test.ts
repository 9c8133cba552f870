import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { promisify } from 'node:util'
import { describeBuild } from '../../src/builds/describe.ts'
import { createPlanner, type Planner } from '../../src/builds/plan.ts'
import type { Delivery, Repository } from '../../src/builds/push-event.ts'
import { RetryLater } from '../../src/errors.ts'
import { createGitRemote } from '../../src/git/git-remote.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createDeliveryQueue, type OpenDeliveryQueue } from '../../src/queue/deliveries.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { createSweepStore } from '../../src/queue/sweep-store.ts'
import { parseConfig } from '../../src/settings/config-file.ts'
import { createRules } from '../../src/settings/rules.ts'
import { createLook, type LookOptions } from '../../src/sweep/look.ts'
import { createSweep, type SweepFailure } from '../../src/sweep/sweep.ts'
import { eventually } from '../support/eventually.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { useRedis } from '../support/redis.ts'
import { delivery, zeroSha } from '../support/samples.ts'

/** Sweeps on real records and a real git; the test is the clock, and the forge that drops webhooks. */

const redis = useRedis()
const run = promisify(execFile)
const main = 'refs/heads/main'
const minute = 60_000
const intervalMs = 10 * minute
const graceMs = 2 * minute

let git: GitServer
let builds: ReturnType<typeof createBuildStore>
let refs: ReturnType<typeof createRefStore>
let deliveries: OpenDeliveryQueue
let planner: Planner
let now: number
/** What the forge's API says that there is: ids by path. */
let there: Map<string, string>
/** The `match` of each entry. */
let matches: string[]
/** Repositories whose refs were asked for. */
let listed: string[]
let failures: Map<string, SweepFailure>
let found: Delivery[]

before(async () => {
  git = await startGitServer()
})
after(() => git.stop())
beforeEach(() => {
  builds = createBuildStore({
    redis: redis.client,
    retentionMs: 60_000,
    maxPerRepository: 0,
    now: () => now,
  })
  refs = createRefStore(redis.client)
  deliveries = createDeliveryQueue(redis.client)
  const enqueue = async (): Promise<void> => undefined
  planner = createPlanner({ git: remote, refs, builds, rules, enqueue, now: () => now })
  now = Date.parse('2026-01-31T12:00:00Z')
  there = new Map()
  matches = ['git.example.com/acme/*']
  listed = []
  failures = new Map()
  found = []
})
afterEach(() => deliveries.close())

const rules = {
  find: (repository: Repository) => {
    const entries = matches.map((match) => ({
      match,
      branches: ['**'],
      tags: ['v*'],
      destination: 'r.example.com/{owner}/{repo}',
    }))
    const config = parseConfig(JSON.stringify({ repositories: entries }), 'kanihook.yaml')
    return createRules(config).find(repository)
  },
}

const remote = createGitRemote({
  access: async ({ path }) => ({
    url: `${git.url}/${path}.git`,
    otherUrl: '',
    login: { username: 'kanihook', password: 'token' },
  }),
})

let repositories = 0

/** A repository that nobody has heard of, with one commit on main. */
async function create(name = `app-${(repositories += 1)}`): Promise<Repository> {
  const path = `acme/${name}`
  there.set(path, `${100 + repositories}`)
  const repository = { forge: 'gitea', id: `${100 + repositories}`, host: 'git.example.com', path }
  await push(repository, main)
  return repository
}

let commits = 0

/** Pushes a commit; no webhook tells of it. */
const push = ({ path }: Repository, ref: string): Promise<string> =>
  git.commit(`${path}.git`, { Dockerfile: `FROM scratch # ${(commits += 1)}` }, { ref })

/** Tells of a push as its webhook does, and has it planned. Returns its builds. */
async function hear(repository: Repository, after: string, ref = main): Promise<readonly string[]> {
  const heard = { ...delivery({ repository, ref, before: zeroSha, after }), receivedAt: now }
  return (await planner.plan(heard)).builds
}

function sweeper(git: LookOptions['git'] = remote): (signal: AbortSignal) => Promise<void> {
  const look = createLook({
    git: {
      refs: (repository) => {
        listed.push(repository.path)
        return git.refs(repository)
      },
    },
    refs,
    forges: new Map([
      [
        'gitea',
        {
          find: async ({ path }) => {
            const entry = [...there].find(([name]) => name === path.toLowerCase())
            return entry && { path: entry[0], id: entry[1] }
          },
        },
      ],
    ]),
    deliveries,
    now: () => now,
    graceMs,
  })
  return createSweep({
    names: {
      rules,
      matches: () => matches,
      hosts: new Map([['gitea', 'git.example.com']]),
      knownPaths: refs.knownPaths,
    },
    look,
    store: createSweepStore(redis.client),
    intervalMs,
    graceMs,
    now: () => now,
    random: () => 0,
    journal: {
      looked: () => undefined,
      failed: ({ path }, failure) => void failures.set(path, failure),
      found: (one) => void found.push(one),
    },
  })
}

const never = new AbortController().signal

/** Sweeps after that time has passed, and plans what it found as a worker does. Returns the builds. */
async function sweepAfter(ms: number, sweep = sweeper()): Promise<string[]> {
  now += ms
  found = []
  await sweep(never)
  const made = []
  for (const one of found) made.push(...(await planner.plan(one)).builds)
  return made
}

const shaOf = async (id: string | undefined): Promise<string | undefined> =>
  (await builds.get(id ?? ''))?.sha

test('a push whose delivery never came is built, and its status, its cause and its record say so', async () => {
  const repository = await create()
  await hear(repository, await push(repository, main))
  assert.deepEqual(await sweepAfter(0), [])
  const sha = await push(repository, main)
  assert.deepEqual(await sweepAfter(0.8 * intervalMs), [], 'its delivery may still come')
  const [id, ...more] = await sweepAfter(graceMs)
  assert.deepEqual(more, [])
  const build = await builds.get(id ?? '')
  assert.equal(build?.sha, sha)
  assert.ok(build)
  assert.equal(build.foundBy, 'sweep')
  assert.match(build.cause, /found by the sweep, no delivery led to it/)
  assert.equal(describeBuild(build), 'Queued; found by the sweep')
  assert.deepEqual(await sweepAfter(intervalMs), [], 'once')
})

test('a delivery that comes late after all builds nothing more', async () => {
  const repository = await create()
  await hear(repository, await push(repository, main))
  await sweepAfter(0)
  const sha = await push(repository, main)
  await sweepAfter(intervalMs)
  const made = await sweepAfter(graceMs)
  assert.equal(made.length, 1)
  assert.deepEqual(await hear(repository, sha), made)
  assert.equal((await builds.list({ limit: 10 })).filter((build) => build.sha === sha).length, 1)
})

test('a delivery that comes in time is not found', async () => {
  const repository = await create()
  await hear(repository, await push(repository, main))
  await sweepAfter(0)
  const sha = await push(repository, main)
  assert.deepEqual(await sweepAfter(intervalMs), [])
  await hear(repository, sha)
  assert.deepEqual(await sweepAfter(graceMs), [])
  assert.deepEqual(await sweepAfter(intervalMs), [])
})

test('nothing is found while the delivery waits for its plan', async () => {
  const repository = await create()
  await hear(repository, await push(repository, main))
  await sweepAfter(0)
  const sha = await push(repository, main)
  await deliveries.accept(delivery({ repository, ref: main, after: sha }))
  assert.deepEqual(await sweepAfter(intervalMs), [])
  assert.deepEqual(await sweepAfter(graceMs), [])
  assert.deepEqual(await sweepAfter(intervalMs), [])
})

test('of a repository that is seen for the first time nothing old is built, but what is pushed from then on', async () => {
  const repository = await create()
  await push(repository, 'refs/tags/v1')
  matches = [`git.example.com/${repository.path}`]
  for (let n = 0; n < 4; n++) assert.deepEqual(await sweepAfter(intervalMs), [])
  const [branch, tag] = [await push(repository, main), await push(repository, 'refs/tags/v2')]
  await push(repository, 'refs/tags/unwanted')
  await sweepAfter(intervalMs)
  const made = await sweepAfter(graceMs)
  assert.deepEqual(new Set(await Promise.all(made.map(shaOf))), new Set([branch, tag]))
})

test('a branch that is deleted without a delivery is recorded as gone', async () => {
  const repository = await create()
  await hear(repository, await push(repository, 'refs/heads/x'), 'refs/heads/x')
  await sweepAfter(0)
  const folder = join(git.folder, `${repository.path}.git`)
  await run('git', ['-C', folder, 'update-ref', '-d', 'refs/heads/x'])
  await sweepAfter(intervalMs)
  assert.deepEqual(await sweepAfter(graceMs), [])
  const { generation, head } = await refs.ref(repository, 'refs/heads/x')
  assert.deepEqual([generation, head], [2, undefined])
})

test('only what there were deliveries of, or an entry names, is asked for, and once in an interval', async () => {
  const [heard, named, other] = [await create(), await create(), await create()]
  await hear(heard, await push(heard, main))
  matches = [`git.example.com/${named.path}`, 'git.example.com/acme/*']
  for (let n = 0; n < 10; n++) await sweepAfter(0.1 * intervalMs)
  const times = ({ path }: Repository): number => listed.filter((each) => each === path).length
  assert.deepEqual([heard, named, other].map(times), [2, 2, 0])
})

test('a repository that cannot be reached is asked for more and more seldom, and does not hold the others', async () => {
  const [away, here] = [await create(), await create()]
  for (const each of [away, here]) await hear(each, await push(each, main))
  const sweep = sweeper({
    refs: (repository) =>
      repository.path === away.path
        ? Promise.reject(new RetryLater('no answer in time'))
        : remote.refs(repository),
  })
  await sweepAfter(0, sweep)
  const sha = await push(here, main)
  await sweepAfter(intervalMs, sweep)
  const made = await sweepAfter(graceMs, sweep)
  assert.deepEqual(await Promise.all(made.map(shaOf)), [sha])
  for (let n = 0; n < 30; n++) await sweepAfter(intervalMs, sweep)
  assert.equal(listed.filter((path) => path === away.path).length, 6)
  assert.equal(failures.get(away.path)?.failures, 6)
})

test('a forge that limits requests is not asked again before the time that it says', async () => {
  const all = []
  for (let n = 0; n < 6; n++) all.push(await create())
  for (const each of all) await hear(each, await push(each, main))
  const limited = new RetryLater('429', { afterMs: minute })
  const sweep = sweeper({ refs: () => Promise.reject(limited) })
  await sweepAfter(0, sweep)
  const asked = listed.length
  assert.ok(asked < all.length, 'all were asked for')
  await sweepAfter(minute / 2, sweep)
  assert.equal(listed.length, asked)
  await createSweepStore(redis.client).pause('gitea', 1)
  await eventually(async () => !(await createSweepStore(redis.client).isPaused('gitea')))
  await sweepAfter(minute / 2, sweep)
  assert.equal(listed.length, all.length)
})

test('what has the name of another repository now is not built until an operator trusts it', async () => {
  const repository = await create()
  await hear(repository, await push(repository, main))
  await sweepAfter(0)
  there.set(repository.path, '999')
  const sha = await push(repository, main)
  await sweepAfter(intervalMs)
  assert.deepEqual(await sweepAfter(graceMs), [])
  assert.match(
    String(failures.get(repository.path)?.error),
    /was repository \d+ and is now 999: refused until an operator trusts it/,
  )
  await refs.trust({ ...repository, id: '999' })
  for (let n = 0; n < 4; n++) assert.deepEqual(await sweepAfter(intervalMs), [], 'a baseline')
  assert.equal((await builds.list({ limit: 10 })).filter((build) => build.sha === sha).length, 0)
})

test('a repository that no entry matches any more is not asked for', async () => {
  const repository = await create()
  await hear(repository, await push(repository, main))
  await sweepAfter(0)
  matches = ['git.example.com/other/*']
  await sweepAfter(intervalMs)
  assert.deepEqual(listed, [repository.path])
})
