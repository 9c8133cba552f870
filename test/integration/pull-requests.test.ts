import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { createApprover } from '../../src/admin/approver.ts'
import { createPlanner, type PlannerOptions, type PlanResult } from '../../src/builds/plan.ts'
import type { BuildStore, GitRemote } from '../../src/builds/ports.ts'
import type { Build } from '../../src/builds/build.ts'
import type { Delivery, PullRequest } from '../../src/builds/push-event.ts'
import { PermanentError, RetryLater } from '../../src/errors.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { createStatusStore } from '../../src/queue/status-store.ts'
import { parseConfig } from '../../src/settings/config-file.ts'
import { createRules } from '../../src/settings/rules.ts'
import { statusId } from '../../src/statuses/context.ts'
import { desiredStatus } from '../../src/statuses/desired.ts'
import { useRedis } from '../support/redis.ts'
import { delivery, sha, zeroSha } from '../support/samples.ts'

/** Pull requests, planned over a real Redis by the rules of a kanihook.yaml. */

const redis = useRedis()
let builds: BuildStore
let refs: ReturnType<typeof createRefStore>
/** What the forge's git says now: commits by ref. */
let heads: Map<string, string>
let changed: string[]
let git: GitRemote

beforeEach(() => {
  const options = { redis: redis.client, retentionMs: 60_000, maxPerRepository: 0, now: Date.now }
  builds = createBuildStore(options)
  refs = createRefStore(redis.client)
  heads = new Map()
  changed = []
  git = {
    head: async (_, ref) => {
      const commit = heads.get(ref)
      return commit === undefined ? undefined : { commit, object: commit }
    },
    file: async () => undefined,
    changedFiles: async () => changed,
  }
})

const pull = 'refs/pull/12/head'
const image = 'registry.example.com/acme/app'

/** The rules of an entry with these lines. */
const rulesOf = (...lines: string[]) => entry('pullRequests: trusted', ...lines)

const entry = (...lines: string[]) =>
  createRules(
    parseConfig(
      `repositories: [{ match: '**', destination: ${image}, ${lines.join(', ')} }]`,
      'kanihook.yaml',
    ),
  )

const tagged = (...tags: string[]) =>
  rulesOf(
    `images: [{ name: app, destination: ${image}, tags: ${JSON.stringify(tags)}, paths: { include: ['**'] } }]`,
  )

interface Said extends Partial<PullRequest> {
  readonly ref?: string
  readonly before?: string
  readonly after?: string
  readonly receivedAt?: number
}

const planner = (options: Partial<PlannerOptions>) =>
  createPlanner({
    git,
    refs,
    builds,
    rules: tagged('pr-{pr}', '{branch}', '{shortSha}'),
    enqueue: async () => undefined,
    now: Date.now,
    ...options,
  })

/** Plans an event of pull request 12, from the branch `feature`. */
function plan(said: Said, options: Partial<PlannerOptions> = {}): Promise<PlanResult> {
  const { ref = pull, before = zeroSha, after = zeroSha, receivedAt = Date.now(), ...rest } = said
  const own = { base: 'main', head: 'feature', fork: false, open: true, updatedAt: receivedAt }
  const event = { ref, before, after, pullRequest: { ...own, ...rest } }
  return planner(options).plan({ ...delivery(event), receivedAt })
}

/** A push to the branch `feature`: forges move the pull request with it. */
function pushed(commit: string, branch = 'refs/heads/feature', ref = pull): void {
  heads.set(branch, commit)
  heads.set(ref, commit)
}

const opened = (commit = sha('a'), options?: Partial<PlannerOptions>): Promise<PlanResult> => {
  pushed(commit)
  return plan({ after: commit }, options)
}

const push = (ref: string, commit: string, options: Partial<PlannerOptions> = {}) => {
  heads.set(ref, commit)
  return planner(options).plan(delivery({ ref, after: commit }))
}

const buildOf = async ({ builds: [id = ''] }: PlanResult): Promise<Build> => {
  const build = await builds.get(id)
  assert.ok(build, 'a build was made')
  return build
}

test('a pull request is built at its head, under tags of its own, with the context of a branch', async () => {
  const result = await opened()
  assert.equal(result.decision, 'planned')
  const build = await buildOf(result)
  assert.deepEqual([build.ref, build.sha, build.state], [pull, sha('a'), 'waiting'])
  assert.deepEqual(build.plan.destinations, [`${image}:pr-12`, `${image}:${'a'.repeat(12)}`])
  assert.equal(build.plan.labels['org.opencontainers.image.ref.name'], 'pull/12')
  assert.equal(build.headBranch, 'feature')
  assert.equal(statusId(build), statusId({ ...build, ref: 'refs/heads/feature' }))
})

test('its build takes layers from the cache and puts none there', async () => {
  const ofPull = await buildOf(await opened())
  const ofBranch = await buildOf(await push('refs/heads/main', sha('b')))
  assert.equal(ofPull.plan.cache.readOnly, true)
  assert.equal(ofPull.plan.cache.repository, ofBranch.plan.cache.repository)
  assert.equal(ofBranch.plan.cache.readOnly, undefined)
})

test('a push to it supersedes the build before', async () => {
  const first = await opened()
  pushed(sha('b'))
  const second = await plan({ before: sha('a'), after: sha('b') })
  assert.deepEqual(second.superseded, first.builds)
  assert.equal((await buildOf(first)).state, 'superseded')
  assert.equal((await buildOf(second)).sha, sha('b'))
})

test('A, then B, then A again builds A again', async () => {
  const first = await opened()
  pushed(sha('b'))
  await plan({ before: sha('a'), after: sha('b') })
  pushed(sha('a'))
  const third = await plan({ before: sha('b'), after: sha('a') })
  assert.notDeepEqual(third.builds, first.builds)
  assert.equal((await buildOf(third)).sha, sha('a'))
})

test('a late event about an older push builds the head that git has, once', async () => {
  await opened()
  pushed(sha('c'))
  const newest = await plan({ before: sha('b'), after: sha('c') })
  const late = await plan({ before: sha('a'), after: sha('b') })
  assert.deepEqual(late.builds, [])
  assert.equal((await buildOf(newest)).sha, sha('c'))
})

test('it is skipped where nothing of its paths changed since its own last success, whatever a branch did', async () => {
  const rules = rulesOf(
    `images: [{ name: app, destination: ${image}, tags: ['pr-{pr}', '{branch}'], paths: { include: ['api/**'] } }]`,
  )
  const main = await push('refs/heads/main', sha('d'), { rules })
  await builds.end(main.builds[0] ?? '', { state: 'succeeded', pushed: [] })
  changed = ['docs/x.md']
  const first = await opened(sha('a'), { rules })
  assert.equal((await buildOf(first)).state, 'waiting')
  await builds.end(first.builds[0] ?? '', { state: 'succeeded', pushed: [] })
  pushed(sha('b'))
  const second = await plan({ before: sha('a'), after: sha('b') }, { rules })
  assert.equal((await buildOf(second)).state, 'skipped')
})

describe('a pull request that is closed', () => {
  test('ends its waiting build and asks the running one to stop', async () => {
    const first = await opened()
    const closed = await plan({ before: sha('a'), open: false })
    assert.deepEqual(
      [closed.decision, closed.reason, closed.superseded],
      ['ignored', 'Pull request 12 is closed', first.builds],
    )
    const reason = 'Cancelled by the end of pull request 12'
    assert.deepEqual((await buildOf(first)).outcome, { state: 'cancelled', reason })

    const again = await plan({ after: sha('a') })
    await builds.update(again.builds[0] ?? '', { state: 'running' })
    await plan({ before: sha('a'), open: false })
    const running = await buildOf(again)
    assert.deepEqual([running.state, running.stop?.why], ['running', 'cancelled'])
  })

  test('and is opened again is built again at the same commit', async () => {
    const first = await opened()
    await plan({ before: sha('a'), open: false })
    const again = await plan({ after: sha('a') })
    assert.notDeepEqual(again.builds, first.builds)
    assert.equal((await buildOf(again)).state, 'waiting')
  })

  test('is not built by what was said before that and comes late, nor ended by an older end', async () => {
    const at = Date.now() - 60_000
    pushed(sha('a'))
    await plan({ before: sha('a'), open: false, updatedAt: at + 2 })
    const late = await plan({ after: sha('a'), updatedAt: at + 1 })
    assert.equal(late.reason, 'Pull request 12 is closed')
    const again = await plan({ after: sha('a'), updatedAt: at + 4 })
    const olderEnd = await plan({ before: sha('a'), open: false, updatedAt: at + 3 })
    assert.deepEqual([olderEnd.superseded, olderEnd.reason], [[], 'It was opened again since'])
    assert.equal((await buildOf(again)).state, 'waiting')
  })

  test('is known by the order of arrival where a forge says the future', async () => {
    pushed(sha('a'))
    await plan({ before: sha('a'), open: false, updatedAt: Date.now() + 1e12 })
    const again = await plan({ after: sha('a'), receivedAt: Date.now() + 1 })
    assert.equal((await buildOf(again)).state, 'waiting')
  })

  test('gives its tags back', async () => {
    await opened()
    await plan({ before: sha('a'), open: false })
    heads.set('refs/pull/13/head', sha('a'))
    const other = await plan({ ref: 'refs/pull/13/head', after: sha('a') })
    const tags = [`${image}:pr-13`, `${image}:${'a'.repeat(12)}`]
    assert.deepEqual((await buildOf(other)).plan.destinations, tags)
  })
})

describe('a commit that nobody with push access put there is not built', () => {
  const old = () => Date.now() - 60_000

  test('that of a fork', async () => {
    pushed(sha('a'))
    const result = await plan({ after: sha('a'), fork: true })
    assert.deepEqual([result.decision, result.builds], ['ignored', []])
    assert.match(result.reason, /pull request 12 comes from a fork/)
  })

  test('that of a fork of which an event says that it is none', async () => {
    heads.set(pull, sha('f'))
    heads.set('refs/heads/feature', sha('a'))
    await assert.rejects(plan({ after: sha('f') }), RetryLater)
    const result = await plan({ after: sha('f'), receivedAt: old() })
    assert.deepEqual(
      [result.decision, result.reason],
      [
        'ignored',
        `Not built: pull request 12 is at ${'f'.repeat(12)}, where branch "feature" of this repository is not`,
      ],
    )
  })

  test('one that comes from no branch at all', async () => {
    heads.set(pull, sha('f'))
    const result = await plan({ after: sha('f'), head: 'mallory/topic', receivedAt: old() })
    assert.equal(result.decision, 'ignored')
  })

  test('one that only the event names', async () => {
    pushed(sha('a'))
    const result = await plan({ after: sha('f') })
    assert.deepEqual([result.decision, result.builds], ['ignored', []])
  })

  test('and a branch that moved a moment before its pull request is asked for again', async () => {
    heads.set('refs/heads/feature', sha('b'))
    heads.set(pull, sha('a'))
    await assert.rejects(plan({ after: sha('b') }), RetryLater)
    pushed(sha('b'))
    assert.equal((await buildOf(await plan({ after: sha('b') }))).sha, sha('b'))
  })
})

describe('a commit of a fork that has to be approved', () => {
  const rules = entry(
    'pullRequests: approved',
    `images: [{ name: app, destination: ${image}, tags: ['pr-{pr}', '{shortSha}'] }]`,
  )
  const name = 'git.example.com/acme/app'
  let again: Delivery[]
  const approve = (sha: string, repository = name, number = 12): Promise<string> =>
    createApprover({
      refs,
      deliveries: {
        accept: async (delivery) => {
          again.push(delivery)
          return 'accepted'
        },
      },
    }).approve({ repository, number, sha })
  const planAgain = () => planner({ rules }).plan(again.at(-1)!)

  /** A push to the pull request of a fork: no branch of the repository moves. */
  const forked = (commit: string, before = zeroSha): Promise<PlanResult> => {
    heads.set(pull, commit)
    return plan({ before, after: commit, fork: true }, { rules })
  }
  beforeEach(() => void (again = []))

  test('ends with a status that says so, which is no failure and not asked for by the author', async () => {
    const refused = await forked(sha('f'))
    assert.deepEqual(
      [refused.decision, refused.reason],
      [
        'ignored',
        `Not built: pull request 12 comes from a fork; kanihook approve ${name} 12 ${sha('f')} has it built`,
      ],
    )
    const build = await buildOf(refused)
    const { status } = desiredStatus([build], () => undefined) ?? {}
    assert.deepEqual([status?.context, status?.state], ['kanihook/app', 'cancelled'])
    assert.match(status?.description ?? '', /^Not built: .* \(kanihook approve\)$/)
    assert.ok((await buildOf(await forked(sha('f')))).id === build.id, 'once')
  })

  test('does not make the status of a branch at that commit any worse', async () => {
    const ofBranch = await push('refs/heads/main', sha('f'))
    await builds.end(ofBranch.builds[0] ?? '', { state: 'succeeded', pushed: [] })
    const both = await Promise.all([buildOf(ofBranch), buildOf(await forked(sha('f')))])
    assert.equal(desiredStatus(both, () => undefined)?.status.state, 'success')
  })

  test('is built once it is, and says why', async () => {
    await forked(sha('f'))
    const id = await approve(sha('f'), name.toUpperCase())
    assert.deepEqual(
      again.map((delivery) => delivery.id),
      [id],
    )
    const build = await buildOf(await planAgain())
    assert.deepEqual([build.sha, build.state, build.attempt], [sha('f'), 'waiting', 1])
    assert.deepEqual(build.plan.destinations, [`${image}:pr-12`, `${image}:${'f'.repeat(12)}`])
    assert.match(build.cause, /was approved/)
    await approve(sha('f'))
    assert.equal((await planAgain()).builds[0], build.id, 'approving twice builds it once')
  })

  test('is one commit: the next push has to be approved anew, and the old approval does not help it', async () => {
    await forked(sha('f'))
    await approve(sha('f'))
    const approved = await buildOf(await planAgain())
    const next = await forked(sha('e'), sha('f'))
    assert.equal(next.decision, 'ignored')
    assert.equal((await buildOf(next)).state, 'cancelled')
    assert.equal((await buildOf({ ...next, builds: [approved.id] })).state, 'waiting')
    await assert.rejects(approve(sha('f')), new RegExp(`is at ${sha('e')}: look at that commit`))
  })

  test('is not built where the pull request moved between the approval and its plan', async () => {
    await forked(sha('f'))
    await approve(sha('f'))
    heads.set(pull, sha('e'))
    const result = await planAgain()
    assert.equal(result.decision, 'ignored')
    assert.deepEqual(
      [(await buildOf(result)).sha, (await buildOf(result)).state],
      [sha('e'), 'cancelled'],
    )
  })

  test('is not built where the pull request was closed since', async () => {
    await forked(sha('f'))
    await approve(sha('f'))
    await plan({ before: sha('f'), open: false, fork: true, updatedAt: Date.now() }, { rules })
    assert.equal((await planAgain()).reason, 'Pull request 12 is closed')
  })

  test('is found by the number and the repository that it has, and by no other', async () => {
    await forked(sha('f'))
    await assert.rejects(approve(sha('f'), name, 13), PermanentError)
    await assert.rejects(approve(sha('f'), 'git.example.com/acme/other'), PermanentError)
    await assert.rejects(approve(sha('a')), PermanentError)
    assert.deepEqual(again, [])
  })

  test('counts for that pull request alone', async () => {
    await forked(sha('f'))
    await approve(sha('f'))
    heads.set('refs/pull/13/head', sha('f'))
    const said = { ref: 'refs/pull/13/head', after: sha('f'), fork: true }
    assert.equal((await plan(said, { rules })).decision, 'ignored')
  })

  test('is refused where the entry trusts no approvals any more', async () => {
    await forked(sha('f'))
    await approve(sha('f'))
    const result = await planner({ rules: entry('pullRequests: trusted') }).plan(again[0]!)
    assert.deepEqual([result.decision, result.builds], ['ignored', []])
  })

  test('may also be one that claims to be the repository’s own', async () => {
    heads.set(pull, sha('f'))
    const said = { after: sha('f'), receivedAt: Date.now() - 60_000 }
    await plan(said, { rules })
    await approve(sha('f'))
    assert.equal((await buildOf(await planAgain())).sha, sha('f'))
  })

  test('is not asked of a branch of the repository itself', async () => {
    assert.equal((await buildOf(await opened(sha('a'), { rules }))).state, 'waiting')
  })
})

describe("a commit's tag", () => {
  const commitTag = `${image}:${'a'.repeat(12)}`

  test('that a branch pushed is not pushed over by a pull request', async () => {
    await push('refs/heads/main', sha('a'))
    assert.deepEqual((await buildOf(await opened())).plan.destinations, [`${image}:pr-12`])
  })

  test('that a pull request had goes to the branch, and is not the pull request’s any more', async () => {
    const rules = tagged('{shortSha}')
    const ofPull = await buildOf(await opened(sha('a'), { rules }))
    const ofBranch = await buildOf(await push('refs/heads/main', sha('a'), { rules }))
    assert.deepEqual(ofBranch.plan.destinations, [commitTag])
    const [claim] = ofPull.moving ?? []
    assert.ok(claim, 'the pull request claims it again when it starts')
    assert.equal((await refs.claimTag(claim))?.ref, '')
  })

  test('waits with its branch for the pull request that is about to push it', async () => {
    const ofPull = await opened()
    const ofBranch = await buildOf(await push('refs/heads/main', sha('a')))
    assert.deepEqual(await builds.olderActive(ofBranch), [])
    const [id = ''] = ofPull.builds
    await builds.update(id, { state: 'starting' })
    assert.deepEqual(await builds.olderActive(ofBranch), [id])
    await builds.end(id, { state: 'succeeded', pushed: [] })
    assert.deepEqual(await builds.olderActive(ofBranch), [])
  })

  test('is left to the branch that a pull request comes from, where that is built itself', async () => {
    const images = (tags: string) =>
      rulesOf("branches: ['**']", `images: [{ name: app, destination: ${image}, tags: ${tags} }]`)
    const both = await opened(sha('a'), { rules: images("['pr-{pr}', '{shortSha}']") })
    assert.deepEqual((await buildOf(both)).plan.destinations, [`${image}:pr-12`])
    pushed(sha('b'))
    const said = { before: sha('a'), after: sha('b') }
    const none = await plan(said, { rules: images("['{branch}', '{shortSha}']") })
    assert.deepEqual((await buildOf(none)).outcome, {
      state: 'skipped',
      reason:
        'Skipped: a branch or tag at this commit pushes the same tags (say {pr} in one of them)',
    })
  })

  test('is that of the first of two pull requests at one commit', async () => {
    await opened()
    pushed(sha('a'), 'refs/heads/feature', 'refs/pull/13/head')
    const second = await plan({ ref: 'refs/pull/13/head', after: sha('a') })
    assert.deepEqual((await buildOf(second)).plan.destinations, [`${image}:pr-13`])
  })
})

test('an image that has no tag for a pull request fails with what to say', async () => {
  const build = await buildOf(await opened(sha('a'), { rules: tagged('{branch}', 'latest') }))
  assert.deepEqual(build.outcome, {
    state: 'failed',
    reason: 'No tag of [{branch}, latest] has a value on a pull request: add one such as pr-{pr}',
  })
})

test('two refs at one commit share the status of a branch and of its pull request', async () => {
  const ofPull = await buildOf(await opened())
  const ofBranch = await buildOf(await push('refs/heads/main', sha('a')))
  const shared = await createStatusStore(redis.client).read(statusId(ofBranch))
  assert.deepEqual(new Set(shared.builds), new Set([ofPull.id, ofBranch.id]))
})
