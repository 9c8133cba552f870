import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createPlanner, type Planner } from '../../src/builds/plan.ts'
import type { Build } from '../../src/builds/build.ts'
import type { GitRemote } from '../../src/builds/ports.ts'
import type { Repository } from '../../src/builds/push-event.ts'
import { RetryLater } from '../../src/errors.ts'
import { createGitRemote } from '../../src/git/git-remote.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { parseConfig } from '../../src/settings/config-file.ts'
import { createRules } from '../../src/settings/rules.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { useRedis } from '../support/redis.ts'
import { delivery, zeroSha } from '../support/samples.ts'

/** What the planner makes of a repository's own file, which it reads from a real git server. */

const redis = useRedis()
let git: GitServer
let builds: ReturnType<typeof createBuildStore>
/** What git was asked for. */
let asked: string[]
let remote: GitRemote
let repository: Repository
let repositories = 0

before(async () => {
  git = await startGitServer({ config: { 'uploadpack.allowFilter': 'true' } })
})
after(() => git.stop())

beforeEach(() => {
  builds = createBuildStore({
    redis: redis.client,
    retentionMs: 60_000,
    maxPerRepository: 0,
    now: Date.now,
  })
  repositories += 1
  repository = {
    forge: 'gitea',
    id: `${repositories}`,
    host: 'a.io',
    path: `acme/r${repositories}`,
  }
  asked = []
  const real = createGitRemote({
    access: async ({ path }) => ({
      url: `${git.url}/${path}.git`,
      otherUrl: '',
      login: { username: 'kanihook', password: 'token' },
    }),
  })
  remote = {
    head: real.head,
    changedFiles: (...args) => (asked.push('changedFiles'), real.changedFiles(...args)),
    file: (...args) => (asked.push('file'), real.file(...args)),
  }
})

const single = "[{ match: 'a.io/**', destination: 'r.io/{owner}/{repo}' }]"

const planner = (entries: string, from: GitRemote = remote): Planner =>
  createPlanner({
    git: from,
    refs: createRefStore(redis.client),
    builds,
    rules: createRules(parseConfig(`repositories: ${entries}`, 'kanihook.yaml')),
    enqueue: async () => undefined,
    now: Date.now,
  })

const commit = (files: Record<string, string>, parent?: string): Promise<string> =>
  git.commit(`${repository.path}.git`, files, parent === undefined ? {} : { parent })

const pushOf = (sha: string, before = zeroSha) => delivery({ repository, before, after: sha })

async function planned(entries: string, sha: string, before = zeroSha): Promise<Build[]> {
  const { builds: ids } = await planner(entries).plan(pushOf(sha, before))
  return (await Promise.all(ids.map(builds.get))).filter((build) => build !== undefined)
}

const succeed = (made: readonly Build[]) =>
  Promise.all(made.map(({ id }) => builds.end(id, { state: 'succeeded', pushed: [] })))

describe('a repository shapes its own builds', () => {
  test('by the file at the commit that is built, and not by another', async () => {
    const first = await commit({ '.kanihook.yaml': 'context: app\ntags: [x]\n' })
    const second = await commit({ '.kanihook.yaml': 'context: web\ntags: [x]\n' }, first)
    const [build] = await planned(single, second)
    assert.equal(build?.plan.context, 'web')
    assert.equal(build?.plan.dockerfile, 'web/Dockerfile')
    assert.deepEqual(build?.plan.destinations, [`r.io/${repository.path}:x`])
  })

  test('into several images, which may be others in the next commit: one that is gone is not built', async () => {
    const first = await commit({ '.kanihook.yaml': 'images: [{ name: api }, { name: web }]' })
    const made = await planned(single, first)
    assert.deepEqual(
      made.map(({ image, plan }) => [image, plan.destinations[0]]),
      [
        ['api', `r.io/${repository.path}/api:main`],
        ['web', `r.io/${repository.path}/web:main`],
      ],
    )
    const second = await commit({ '.kanihook.yaml': 'images: [{ name: web }]' }, first)
    const next = await planned(single, second, first)
    assert.deepEqual(
      next.map(({ image, state }) => [image, state]),
      [['web', 'waiting']],
    )
  })

  test('but for the tags of a pull request, which kanihook.yaml alone names', async () => {
    const entries =
      "[{ match: 'a.io/**', destination: 'r.io/{owner}/{repo}', pullRequests: trusted }]"
    const ref = 'refs/pull/3/head'
    const tagsOf = async (text: string): Promise<string[]> => {
      const options = { ref: 'refs/heads/topic', alsoAt: ref }
      const after = await git.commit(`${repository.path}.git`, { '.kanihook.yaml': text }, options)
      const own = { base: 'main', head: 'topic', fork: false, open: true, updatedAt: Date.now() }
      const event = { repository, ref, before: zeroSha, after, pullRequest: own }
      const { builds: ids } = await planner(entries).plan(delivery(event))
      const made = await Promise.all(ids.map(builds.get))
      return made.flatMap(
        (build) =>
          build?.plan.destinations.map(
            (each) => `${build.plan.context} ${each.replace(/:[0-9a-f]{12}$/, ':<shortSha>')}`,
          ) ?? [],
      )
    }
    const image = `r.io/${repository.path}`
    assert.deepEqual(await tagsOf("context: app\ntags: ['v1.2.{pr}']\n"), [
      `app ${image}:<shortSha>`,
    ])
    assert.deepEqual(
      await tagsOf("images: [{ name: api, context: api, tags: ['v1.2.{pr}', '{sha}'] }]"),
      [`api ${image}/api:<shortSha>`],
    )
  })

  test('not at all where it has no file, or the operator does not read it', async () => {
    const file = { '.kanihook.yaml': 'context: app' }
    const [plain] = await planned(single, await commit({ a: 'a' }))
    assert.equal(plain?.plan.context, '.')
    asked = []
    const ignoring = "[{ match: 'a.io/**', destination: r.io/a, repositoryFile: ignore }]"
    const [ignored] = await planned(ignoring, await commit(file))
    assert.equal(ignored?.plan.context, '.')
    assert.deepEqual(asked, [], 'git is not asked for it')
  })

  test('by paths of its own, compared with the last success', async () => {
    const file = { '.kanihook.yaml': "paths: { include: ['app/**'] }", 'app/x': '1', y: '1' }
    const first = await commit(file)
    await succeed(await planned(single, first))
    const second = await commit({ ...file, y: '2' }, first)
    const [skipped] = await planned(single, second, first)
    assert.equal(skipped?.state, 'skipped')
    const third = await commit({ ...file, y: '2', 'app/x': '2' }, second)
    assert.equal((await planned(single, third, second))[0]?.state, 'waiting')
  })

  test('and a change of the file itself concerns each image', async () => {
    const file = { 'app/x': '1' }
    const [old, young] = ['main', '{shortSha}'].map(
      (tag) => `paths: { include: ['app/**'] }\ntags: ['${tag}']`,
    )
    const first = await commit({ ...file, '.kanihook.yaml': old! })
    await succeed(await planned(single, first))
    const second = await commit({ ...file, '.kanihook.yaml': young! }, first)
    assert.equal((await planned(single, second, first))[0]?.state, 'waiting')
  })
})

describe('a file with a fault', () => {
  const two = `[{ match: 'a.io/**', images: [
    { name: api, destination: r.io/api }, { name: web, destination: r.io/web }] }]`

  test('fails each image of the entry with the line and what to write, once, and builds nothing', async () => {
    const sha = await commit({ '.kanihook.yaml': 'target: x\n\ndestination: evil.io/x\n' })
    const made = await planned(two, sha)
    const reason =
      '.kanihook.yaml line 3: destination: only the kanihook.yaml of the installation says this (remove it, or ask who runs kanihook)'
    assert.deepEqual(
      made.map(({ image, outcome, plan }) => [image, outcome, plan.destinations]),
      [
        ['api', { state: 'failed', reason }, []],
        ['web', { state: 'failed', reason }, []],
      ],
    )
    const again = await planned(two, sha)
    assert.deepEqual(
      again.map(({ id, endedAt }) => [id, endedAt]),
      made.map(({ id, endedAt }) => [id, endedAt]),
    )
  })

  test('that names images fails the one that the entry has', async () => {
    const sha = await commit({ '.kanihook.yaml': 'images: [{ name: api }, { name: API }]' })
    const made = await planned(single, sha)
    assert.deepEqual(
      made.map(({ image, state }) => [image, state]),
      [[repository.path.split('/')[1], 'failed']],
    )
  })

  test('takes no tag, and the next commit that mends it is built', async () => {
    const first = await commit({ '.kanihook.yaml': 'oops' })
    await planned(two, first)
    const second = await commit({ '.kanihook.yaml': 'target: x' }, first)
    const made = await planned(two, second, first)
    assert.deepEqual(
      made.map(({ state }) => state),
      ['waiting', 'waiting'],
    )
  })

  test('is told of every fault by one sentence', async () => {
    const sha = await commit({ '.kanihook.yaml': 'contxt: a\ntargt: b\n' })
    const [build] = await planned(single, sha)
    assert.deepEqual(build?.outcome, {
      state: 'failed',
      reason:
        '.kanihook.yaml line 1: contxt: unknown key (did you mean "context"?); and 1 more: kanihook check .kanihook.yaml lists them',
    })
  })
})

describe('git that cannot be asked for the file', () => {
  test('holds the push back rather than build without it', async () => {
    const sha = await commit({ '.kanihook.yaml': 'context: app' })
    const away: GitRemote = { ...remote, file: () => Promise.reject(new RetryLater('away')) }
    await assert.rejects(planner(single, away).plan(pushOf(sha)), RetryLater)
    assert.deepEqual(await builds.list({ limit: 10 }), [])
    assert.equal((await planned(single, sha))[0]?.plan.context, 'app')
  })

  test('for good: the push ends on the images of the file where it can be read, else of the entry', async () => {
    const sha = await commit({ '.kanihook.yaml': 'images: [{ name: api }, { name: web }]' })
    const contexts = async (from: GitRemote): Promise<string[]> => {
      const ids = await planner(single, from).giveUp(pushOf(sha), 'Git refused access')
      const ended = await Promise.all(ids.map(builds.get))
      return ended.map((build) => `${build?.image} ${build?.state}`)
    }
    assert.deepEqual(await contexts(remote), ['api error', 'web error'])
    const away: GitRemote = { ...remote, file: () => Promise.reject(new RetryLater('away')) }
    assert.deepEqual(await contexts(away), [`${repository.path.split('/')[1]} error`])
  })
})

test('of 24 images only those are built whose paths a push touched, by one look at what changed', async () => {
  const names = Array.from({ length: 24 }, (_, i) => `s${i}`)
  const images = names.map(
    (name) => `{ name: ${name}, context: ${name}, paths: { include: [${name}/**] } }`,
  )
  const entries = `[{ match: 'a.io/**', destination: r.io/a }]`
  const files = Object.fromEntries(names.map((name) => [`${name}/x`, '1']))
  const file = { ...files, '.kanihook.yaml': `images: [${images.join(', ')}]` }
  const first = await commit(file)
  const made = await planned(entries, first)
  assert.equal(made.length, 24)
  await succeed(made)
  asked = []
  const second = await commit({ ...file, 's3/x': '2', 's17/x': '2' }, first)
  const next = await planned(entries, second, first)
  assert.deepEqual(
    next.filter(({ state }) => state === 'waiting').map(({ image }) => image),
    ['s3', 's17'],
  )
  assert.equal(next.filter(({ state }) => state === 'skipped').length, 22)
  assert.deepEqual(asked, ['file', 'changedFiles'])

  // Only one of the two succeeds: the other is still owed, and compared with what it was last built from.
  await succeed(next.filter(({ image }) => image === 's3'))
  asked = []
  const third = await commit({ ...file, 's3/x': '2', 's17/x': '2', y: '1' }, second)
  const last = await planned(entries, third, second)
  assert.deepEqual(
    last.filter(({ state }) => state === 'waiting').map(({ image }) => image),
    ['s17'],
  )
  assert.deepEqual(asked, ['file', 'changedFiles', 'changedFiles'])
})
