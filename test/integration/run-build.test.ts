import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { jobName, type Build, type TagClaim } from '../../src/builds/build.ts'
import type { BuildStore, LogStore, RefStore } from '../../src/builds/ports.ts'
import { PermanentError, RetryLater } from '../../src/errors.ts'
import type { FakeCluster } from '../stand-ins/fake-cluster.ts'
import { eventually } from '../support/eventually.ts'
import { useRunner, type RunnerUnderTest } from '../support/runner.ts'
import { buildPlan, imagePlan, imageRule, rulesOf, sha } from '../support/samples.ts'

const its = useRunner()
let builds: BuildStore
let logs: LogStore
let refs: RefStore
let cluster: FakeCluster
/** Descriptions of the states that were shown, in order. */
let shown: string[]

beforeEach(() => {
  ;({ builds, logs, refs, cluster } = its)
  shown = []
})

const run: RunnerUnderTest['run'] = (id, options = {}, signal) =>
  its.run(
    id,
    { builds, changed: async (build) => void shown.push(build.state), ...options },
    signal,
  )
const create = its.create

const record = async (id: string): Promise<Build> => (await builds.get(id)) as Build
const digest = `sha256:${'1'.repeat(64)}`
const ok = { exitCode: 0, reason: 'Completed', message: '' }
const pushed = { ...ok, message: `${imagePlan.destinations[0]}@${digest}\n` }
const started = (): Promise<boolean> => eventually(() => cluster.started.length > 0)

test('a build goes from waiting to its digest by what its containers do', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.show(job, { phase: 'cloning', ends: {} })
  await eventually(async () => (await record(build.id)).state === 'running')
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  await eventually(() => cluster.forgotten.includes(job))
  cluster.show(job, { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
  const end = await record(build.id)
  assert.deepEqual(end.outcome, {
    state: 'succeeded',
    pushed: [{ destination: imagePlan.destinations[0], digest }],
  })
  assert.deepEqual(
    end.steps.map((step) => step.name),
    ['queued', 'starting', 'cloning', 'building'],
  )
  assert.deepEqual(shown, ['starting', 'running', 'running', 'succeeded'])
})

test('exit code 0 with a digest of a destination that nobody asked for is no success', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  const foreign = `registry.example.com/evil:main@${digest}`
  cluster.show(job, { phase: 'ended', ends: { clone: ok, build: { ...ok, message: foreign } } })
  await assert.rejects(running, RetryLater)
  assert.equal((await record(build.id)).tries, 2)
})

test('a runner that comes later adopts the Job and neither loses nor doubles a line of its log', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const first = new AbortController()
  const running = run(build.id, {}, first.signal)
  await started()
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  cluster.write(job, 'build', 'one', 'two')
  await eventually(async () => (await logs.read(build.id)).lines.length === 2)
  first.abort(new Error('worker stops'))
  await assert.rejects(running, /worker stops/)
  assert.deepEqual(cluster.removed, [])

  const second = run(build.id)
  cluster.write(job, 'build', 'three')
  cluster.show(job, { phase: 'ended', ends: { clone: ok, build: pushed } })
  await second
  assert.deepEqual(
    (await logs.read(build.id)).lines.map((line) => line.text),
    ['one', 'two', 'three'],
  )
  assert.equal((await record(build.id)).state, 'succeeded')
})

test('secrets are masked in the kept log, plain and in base64', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  const encoded = Buffer.from('registry-password').toString('base64')
  cluster.write(job, 'build', `a registry-password b`, `c ${encoded} d`, 'token git-token-1234')
  cluster.show(job, { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
  const { lines } = await logs.read(build.id)
  assert.deepEqual(
    lines.map((line) => line.text),
    ['a *** b', 'c *** d', 'token ***'],
  )
})

test('a RUN step that fails is the author’s: told with its exit code and last words, and not tried again', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.write(
    job,
    'build',
    'time="2026" level=info msg="Running: [/bin/sh -c make]"',
    'make: *** [all] Error 3',
    'error building image: error building stage: failed to execute command: waiting for process to exit: exit status 3',
  )
  cluster.show(job, {
    phase: 'ended',
    ends: { clone: ok, build: { exitCode: 3, reason: 'Error', message: '' } },
  })
  await running
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'failed',
    reason: 'RUN failed with exit code 3: make: *** [all] Error 3',
  })
  assert.equal(cluster.started.length, 1)
})

test('a container killed for memory names the limit, whatever its exit code', async () => {
  const build = await create({ resources: { limits: { memory: '4Gi' } } })
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.show(job, {
    phase: 'ended',
    ends: { clone: ok, build: { exitCode: 0, reason: 'OOMKilled', message: '' } },
  })
  await running
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'failed',
    reason: 'Out of memory (limit 4Gi): raise resources.limits.memory',
  })
})

test('a vanished pod is tried again as a new Job, and the third time it is an error', async () => {
  const build = await create()
  for (const tries of [1, 2, 3]) {
    const running = run(build.id)
    await eventually(() => cluster.started.length === tries)
    cluster.show(jobName(build, tries), { phase: 'absent', ends: {} })
    if (tries < 3) await assert.rejects(running, RetryLater)
    else await running
  }
  const end = await record(build.id)
  assert.deepEqual(end.outcome, {
    state: 'error',
    reason: 'The Job or its pod vanished (after 3 tries)',
  })
  assert.deepEqual(
    cluster.removed,
    [1, 2, 3].map((tries) => jobName(build, tries)),
  )
})

test('a build that is asked to stop ends only when its pod is gone', async () => {
  const build = await create()
  const running = run(build.id)
  await started()
  cluster.show(jobName(build, 1), { phase: 'building', ends: { clone: ok } })
  await eventually(async () => (await record(build.id)).state === 'running')
  let removed = () => {}
  const gone = new Promise<void>((resolve) => (removed = resolve))
  const remove = cluster.remove.bind(cluster)
  cluster.remove = async (job, signal) => {
    await gone
    return remove(job, signal)
  }
  await builds.requestStop(build.id, { why: 'superseded', bySha: sha('9') })
  cluster.show(jobName(build, 1), { phase: 'building', ends: { clone: ok } })
  assert.equal((await record(build.id)).state, 'running')
  removed()
  await running
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'superseded',
    reason: 'Superseded by 9999999',
  })
})

test('what an overtaken build had pushed already is told as pushed', async () => {
  const build = await create()
  const running = run(build.id)
  await started()
  await builds.requestStop(build.id, { why: 'superseded', bySha: sha('9') })
  cluster.show(jobName(build, 1), { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
  assert.equal((await record(build.id)).state, 'succeeded')
})

test('what a build pushes while it is being asked to stop is told as pushed', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  await eventually(async () => (await record(build.id)).state === 'running')
  const observe = cluster.observe.bind(cluster)
  cluster.observe = async (each) => {
    const seen = await observe(each)
    if (seen.phase === 'building') {
      await builds.requestStop(build.id, { why: 'superseded', bySha: sha('9') })
      cluster.show(job, { phase: 'ended', ends: { clone: ok, build: pushed } })
    }
    return seen
  }
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  await running
  assert.equal((await record(build.id)).state, 'succeeded')
})

test('what a build pushes while its Job is being removed is told as pushed', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.endInRemoval(job, { build: pushed })
  await builds.requestStop(build.id, { why: 'superseded', bySha: sha('9') })
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  await running
  assert.equal((await record(build.id)).state, 'succeeded')
})

test('a try that pushes while it is being removed has no try after it', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.endInRemoval(job, { build: pushed })
  cluster.show(job, {
    phase: 'ended',
    ends: { clone: ok },
    pod: { reason: 'NodeLost', message: 'the node does not answer' },
  })
  await running
  assert.equal((await record(build.id)).state, 'succeeded')
  assert.equal(cluster.started.length, 1)
})

for (const [what, goOn] of [
  ['ended the build', (id: string) => builds.end(id, { state: 'cancelled', reason: 'by hand' })],
  ['gone on to another try', (id: string) => builds.update(id, { state: 'starting', tries: 2 })],
] as const) {
  test(`a Job is removed that a frozen worker made after another had ${what}`, async () => {
    const build = await create()
    const start = cluster.start.bind(cluster)
    cluster.start = async (request) => {
      await goOn(build.id)
      return start(request)
    }
    await assert.rejects(run(build.id), /Another worker holds this build/)
    assert.deepEqual(cluster.removed, [jobName(build, 1)])
  })
}

test('a running build that nobody can look at any more ends some time after its timeout', async () => {
  const build = await create()
  let clock = Date.now()
  const running = run(build.id, {
    now: () => clock,
    removalMs: 20,
    cluster: {
      ...cluster,
      start: cluster.start.bind(cluster),
      observe: (job) => cluster.observe(job),
      remove: () => Promise.reject(new RetryLater('jobs.batch is forbidden')),
    },
  })
  await started()
  cluster.show(jobName(build, 1), { phase: 'building', ends: { clone: ok } })
  await eventually(async () => (await record(build.id)).state === 'running')
  cluster.observe = () => Promise.reject(new RetryLater('jobs.batch is forbidden'))
  clock += build.plan.timeoutMs + 11 * 60_000
  await running
  assert.match(JSON.stringify((await record(build.id)).outcome), /does not show how it ended/)
})

test('a newer build waits until the older one of its ref has ended', async () => {
  const older = await create()
  await builds.update(older.id, { state: 'running' })
  const newer = buildPlan({ generation: 2, sha: sha('b') })
  await builds.create(newer)
  await assert.rejects(run(newer.id), RetryLater)
  assert.equal(cluster.started.length, 0)
  await builds.end(older.id, { state: 'superseded', reason: 'Superseded by b' })
  const running = run(newer.id)
  await started()
  cluster.show(jobName(newer, 1), { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
})

test('a full quota is waited for as long as a start may take, then told', async () => {
  const build = await create({ startTimeoutMs: 10_000 })
  cluster.refuse(new RetryLater('Waiting for capacity: quota exceeded'))
  let clock = Date.now()
  const now = (): number => clock
  await assert.rejects(run(build.id, { now }), RetryLater)
  assert.equal((await record(build.id)).steps.at(-1)?.note, 'Waiting for capacity: quota exceeded')
  clock += 11_000
  await run(build.id, { now })
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'error',
    reason: 'Not started within 10s: Waiting for capacity: quota exceeded',
  })
})

test('a pod that is never made, as a LimitRange refuses it, ends the build at once and takes the Job away', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  const message =
    'pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 4Gi'
  cluster.show(job, { phase: 'pending', ends: {}, waiting: { reason: 'FailedCreate', message } })
  await running
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'error',
    reason:
      'A LimitRange allows at most 1Gi of memory per Container: lower resources.limits.memory (4Gi)',
  })
  assert.deepEqual(cluster.removed, [job])
})

test('a Secret of a build argument that is not there ends the build before it has a Job', async () => {
  const build = await create()
  const missing = 'There is no Secret npm (buildArgs.TOKEN): make it in the build namespace'
  await run(build.id, { secrets: { of: async () => ({ values: [], missing }) } })
  assert.deepEqual((await record(build.id)).outcome, { state: 'error', reason: missing })
  assert.equal(cluster.started.length, 0)
})

test('a build that ends at its start takes away the Job that an earlier runner had made', async () => {
  const build = await create()
  const first = new AbortController()
  const running = run(build.id, {}, first.signal)
  await started()
  first.abort(new Error('worker stops'))
  await assert.rejects(running, /worker stops/)
  await run(build.id, { secrets: { of: async () => ({ values: [], missing: 'gone' }) } })
  assert.equal((await record(build.id)).outcome?.state, 'error')
  assert.deepEqual(cluster.removed, [jobName(build, 1)])
})

test('a Secret that goes while its build runs does not end the build', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const first = new AbortController()
  const running = run(build.id, {}, first.signal)
  await started()
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  await eventually(async () => (await record(build.id)).state === 'running')
  first.abort(new Error('worker stops'))
  await assert.rejects(running, /worker stops/)
  const second = run(build.id, { secrets: { of: async () => ({ values: [], missing: 'gone' }) } })
  cluster.show(job, { phase: 'ended', ends: { clone: ok, build: pushed } })
  await second
  assert.equal((await record(build.id)).state, 'succeeded')
})

test('a Job that the API refuses for good ends the build with the API’s words', async () => {
  const build = await create()
  cluster.refuse(new PermanentError('violates PodSecurity "restricted"'))
  await run(build.id)
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'error',
    reason: 'violates PodSecurity "restricted"',
  })
})

test('a build that takes longer than its time-out ends as failed when its pod is gone', async () => {
  const build = await create({ timeoutMs: 90_000 })
  const job = jobName(build, 1)
  let clock = Date.now()
  const running = run(build.id, { now: () => clock })
  await started()
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  await eventually(async () => (await record(build.id)).state === 'running')
  clock += 91_000
  cluster.show(job, { phase: 'building', ends: { clone: ok } })
  await running
  assert.match(JSON.stringify((await record(build.id)).outcome), /"failed".*Timed out after 1m30s/)
  assert.deepEqual(cluster.removed, [job])
})

test('a pull request is not built where kanihook.yaml builds none any more', async () => {
  const build = buildPlan({ ref: 'refs/pull/12/head' })
  await builds.create(build)
  const rule = rulesOf().find(build.repository)!
  await run(build.id, { rules: { find: () => ({ ...rule, pullRequests: 'never' }) } })
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'cancelled',
    reason: 'kanihook.yaml was changed to build no pull requests before this one started',
  })
})

test('a build whose entry was given another namespace meanwhile is not started in the old one', async () => {
  const build = await create({ namespace: 'acme-builds' })
  await run(build.id)
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'cancelled',
    reason: 'kanihook.yaml was changed to build in another namespace before this one started',
  })
  assert.equal(cluster.started.length, 0)
})

test('an image that was removed from kanihook.yaml meanwhile is not built, and its status says so', async () => {
  const build = await create()
  await run(build.id, { rules: { find: () => undefined } })
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'cancelled',
    reason: 'Image app was removed from kanihook.yaml before its build started',
  })
  assert.equal(cluster.started.length, 0)
})

test('an image that the repository itself names is built, as long as it may', async () => {
  const ownFile = { path: 'x', maxBytes: 1, namesImages: true, refine: () => ({ problem: '' }) }
  const named = await create()
  const entry = rulesOf({ ...imageRule, name: 'other' }).find(named.repository)!
  const running = run(named.id, { rules: { find: () => ({ ...entry, ownFile }) } })
  await started()
  cluster.show(jobName(named, 1), { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
  assert.equal((await record(named.id)).state, 'succeeded')

  const forbidden = await create({}, { attempt: 2 })
  await run(forbidden.id, { rules: { find: () => entry } })
  assert.equal((await record(forbidden.id)).state, 'cancelled')
})

test('a build that was asked to stop while nobody held it is ended without a new Job', async () => {
  const build = await create()
  await builds.update(build.id, { state: 'running', tries: 1 })
  await builds.requestStop(build.id, { why: 'cancelled', by: 'an operator' })
  await run(build.id)
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'cancelled',
    reason: 'Cancelled by an operator',
  })
  assert.equal(cluster.started.length, 0)
  assert.deepEqual(cluster.removed, [jobName(build, 1)])
})

test('a build that a newer push ends while it is being started gets no Job', async () => {
  const build = await create()
  const newer = buildPlan({ generation: 2, sha: sha('b') })
  const overtaken: BuildStore = {
    ...builds,
    async olderActive(each) {
      const older = await builds.olderActive(each)
      await builds.create(newer)
      return older
    },
  }
  await assert.rejects(run(build.id, { builds: overtaken }), RetryLater)
  assert.deepEqual(cluster.started, [])
  await run(build.id)
  assert.deepEqual(cluster.started, [])
  assert.equal((await record(build.id)).state, 'superseded')
  assert.equal(shown.at(-1), 'superseded')
})

test('a pod that cannot be removed does not hold its build for ever', async () => {
  const build = await create()
  cluster.remove = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new RetryLater('still there')))
    })
  const running = run(build.id, { removalMs: 20 })
  await started()
  cluster.show(jobName(build, 1), { phase: 'absent', ends: {} })
  await running
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'error',
    reason: 'The Job or its pod vanished; its pod could not be removed: is its node gone?',
  })
})

test('a clone credential that cannot be deleted does not hold the build back', async () => {
  const build = await create()
  cluster.forgetCredential = () => Promise.reject(new RetryLater('the API does not answer'))
  const running = run(build.id)
  await started()
  cluster.show(jobName(build, 1), { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
  assert.equal((await record(build.id)).state, 'succeeded')
})

test('a forge that refuses a login now does not end a build whose clone is done', async () => {
  const build = await create()
  await builds.update(build.id, { state: 'running', tries: 1 })
  cluster.show(jobName(build, 1), { phase: 'building', ends: { clone: ok } })
  const source = { access: () => Promise.reject(new PermanentError('401')) }
  const running = run(build.id, { source })
  cluster.show(jobName(build, 1), { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
  assert.equal((await record(build.id)).state, 'succeeded')
})

test('a moving tag that a newer version has taken meanwhile is not pushed', async () => {
  const claim = (version: string): TagClaim => ({
    destination: 'registry.example.com/acme/app:1',
    repositoryId: 'gitea/7',
    image: 'app',
    ref: `refs/tags/v${version}`,
    version,
  })
  const plan = buildPlan({
    ref: 'refs/tags/v1.2.0',
    plan: {
      ...imagePlan,
      destinations: ['registry.example.com/acme/app:1.2.0', claim('').destination],
    },
    moving: [claim('1.2.0')],
  })
  await builds.create(plan)
  await refs.claimTag(claim('1.2.0'))
  await refs.claimTag(claim('1.10.0'))
  const running = run(plan.id)
  await started()
  const [request] = cluster.started
  assert.deepEqual(request?.build.plan.destinations, ['registry.example.com/acme/app:1.2.0'])
  const message = `registry.example.com/acme/app:1.2.0@${digest}`
  cluster.show(jobName(plan, 1), { phase: 'ended', ends: { clone: ok, build: { ...ok, message } } })
  await running
})

test('a pull request does not push the tag of its commit where a branch has taken that meanwhile', async () => {
  const destination = 'registry.example.com/acme/app:aaaaaaaaaaaa'
  const claim = { destination, repositoryId: 'gitea/7', image: 'app', ref: '' }
  const ofPull = { ...claim, ref: 'refs/pull/12/head', yields: true }
  const [alone, both] = [[destination], [destination, 'registry.example.com/acme/app:pr-12']].map(
    (destinations, index) =>
      buildPlan({
        ref: 'refs/pull/12/head',
        generation: index + 1,
        plan: { ...imagePlan, destinations },
        moving: [ofPull],
      }),
  )
  assert.ok(alone && both)
  await builds.create(alone)
  assert.equal(await refs.claimTag(ofPull), undefined)
  assert.equal(await refs.claimTag(claim), undefined)
  await run(alone.id)
  assert.equal((await record(alone.id)).state, 'skipped')
  assert.equal(cluster.started.length, 0)

  await builds.create(both)
  const running = run(both.id)
  await started()
  const [request] = cluster.started
  assert.deepEqual(request?.build.plan.destinations, ['registry.example.com/acme/app:pr-12'])
  const message = `registry.example.com/acme/app:pr-12@${digest}`
  cluster.show(jobName(both, 1), { phase: 'ended', ends: { clone: ok, build: { ...ok, message } } })
  await running
})

test('a branch’s build waits for that of a pull request that has started at its commit', async () => {
  const ofPull = buildPlan({ ref: 'refs/pull/12/head' })
  await builds.create(ofPull)
  const running = run(ofPull.id)
  await started()
  const ofBranch = buildPlan()
  await builds.create(ofBranch)
  await assert.rejects(run(ofBranch.id), RetryLater)
  assert.equal(cluster.started.length, 1)
  cluster.show(jobName(ofPull, 1), { phase: 'ended', ends: { clone: ok, build: pushed } })
  await running
  const next = run(ofBranch.id)
  await eventually(() => cluster.started.length > 1)
  cluster.show(jobName(ofBranch, 1), { phase: 'ended', ends: { clone: ok, build: pushed } })
  await next
  assert.equal((await record(ofBranch.id)).state, 'succeeded')
})

test('a new try that a full quota holds back is given up after its start time-out, too', async () => {
  const build = await create({ startTimeoutMs: 10_000 })
  let clock = Date.now()
  const now = (): number => clock
  const running = run(build.id, { now })
  await started()
  cluster.show(jobName(build, 1), { phase: 'building', ends: { clone: ok } })
  await eventually(async () => (await record(build.id)).state === 'running')
  clock += 1_000
  cluster.show(jobName(build, 1), { phase: 'absent', ends: {} })
  await assert.rejects(running, RetryLater)
  cluster.refuse(new RetryLater('quota exceeded'))
  clock += 11_000
  await run(build.id, { now })
  assert.match(
    JSON.stringify((await record(build.id)).outcome),
    /Not started within 10s: quota exceeded/,
  )
})

test('a build that ends at its start says so where an earlier runner’s pod stays', async () => {
  const [destination = ''] = imagePlan.destinations
  const claim = { destination, repositoryId: 'gitea/7', image: 'app' }
  await refs.claimTag({ ...claim, ref: 'refs/tags/v1.3.0', version: '1.3.0' })
  const moving = [{ ...claim, ref: 'refs/tags/v1.2.0', version: '1.2.0' }]
  const plan = { ...buildPlan({ ref: 'refs/tags/v1.2.0' }), moving }
  await builds.create(plan)
  await builds.update(plan.id, { state: 'starting', tries: 1 })
  cluster.show(jobName(plan, 1), { phase: 'pending', ends: {} })
  const stays = (_: string, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    )
  await run(plan.id, { cluster: { ...cluster, remove: stays }, removalMs: 20 })
  assert.deepEqual((await record(plan.id)).outcome, {
    state: 'error',
    reason:
      'Every tag of this image has moved on to a newer version; its pod could not be removed: is its node gone?',
  })
})

test('a Job that vanished while nobody looked is tried again as a new one', async () => {
  const build = await create()
  await builds.update(build.id, { state: 'running', tries: 1 })
  await assert.rejects(run(build.id), /Try 2 of 3: The Job or its pod vanished/)
  assert.equal(cluster.started.length, 0)
})

test('where another container publishes, what Kaniko’s says of a push is not believed', async () => {
  const build = await create({ publish: 'apart' })
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.show(job, { phase: 'publishing', ends: { clone: ok, build: pushed } })
  await eventually(async () => (await record(build.id)).steps.at(-1)?.name === 'publishing')
  assert.equal((await record(build.id)).outcome, undefined)
  cluster.show(job, { phase: 'ended', ends: { clone: ok, build: ok, publish: pushed } })
  await running
  assert.equal((await record(build.id)).outcome?.state, 'succeeded')
})

test('a login that the registry refuses for a push apart is told, and not tried again', async () => {
  const build = await create({ publish: 'apart', pushSecret: 'credentials' })
  const job = jobName(build, 1)
  const running = run(build.id)
  await started()
  cluster.write(
    job,
    'publish',
    'Pushing to registry.example.com/acme/app: sha256:1',
    'Error: POST https://registry.example.com/v2/: UNAUTHORIZED: authentication required',
  )
  const publish = { exitCode: 1, reason: 'Error', message: '' }
  cluster.show(job, { phase: 'ended', ends: { clone: ok, build: pushed, publish } })
  await running
  assert.deepEqual((await record(build.id)).outcome, {
    state: 'error',
    reason: 'Registry registry.example.com refused the login for push: check Secret credentials',
  })
  assert.equal(cluster.started.length, 1)
})
