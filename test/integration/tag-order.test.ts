import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { isEnded, jobName, type Build } from '../../src/builds/build.ts'
import { describeBuild } from '../../src/builds/describe.ts'
import { indexPart } from '../../src/builds/parts.ts'
import { createUploadPlanner } from '../../src/builds/plan-upload.ts'
import { createPlanner } from '../../src/builds/plan.ts'
import { RetryLater } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { useRunner } from '../support/runner.ts'
import { delivery, imagePlan, imageRule, rulesOf, sha, zeroSha } from '../support/samples.ts'

/** Builds of different refs that push one tag: no older one may move it back. */

const its = useRunner()
const app = 'registry.example.com/acme/app'
const digest = `sha256:${'1'.repeat(64)}`
const ok = { exitCode: 0, reason: 'Completed', message: '' }

/** What the forge's refs point at. */
let heads: Map<string, string>
beforeEach(() => (heads = new Map()))

/** The build that a push of a ref leads to. */
async function push(ref: string, commit: string, ...tags: string[]): Promise<Build> {
  heads.set(ref, commit)
  const planner = createPlanner({
    git: {
      head: async (_, name) => {
        const head = heads.get(name)
        return head === undefined ? undefined : { commit: head, object: head }
      },
      changedFiles: async () => undefined,
      file: async () => undefined,
    },
    refs: its.refs,
    builds: its.builds,
    rules: rulesOf({ ...imageRule, tags }),
    enqueue: async () => undefined,
    now: Date.now,
  })
  const { builds } = await planner.plan(delivery({ ref, before: zeroSha, after: commit }))
  return its.record(builds[0] ?? '')
}

const release = (version: string, digit: string): Promise<Build> =>
  push(`refs/tags/v${version}`, sha(digit), '{tag}', '{major}')

/** The build of an uploaded archive. */
async function upload(digit: string): Promise<Build> {
  const planner = createUploadPlanner({
    refs: its.refs,
    builds: its.builds,
    rules: rulesOf({ ...imageRule, destinations: [app], tags: ['edge'] }),
    enqueue: async () => undefined,
    now: Date.now,
  })
  const archive = { id: digit.repeat(16), sha: digit.repeat(64), bytes: 1 }
  return planner.plan(archive, { image: 'app', by: 'somebody' })
}

const run = (build: Build, signal?: AbortSignal): Promise<void> =>
  its.run(
    build.id,
    { uploads: { find: async () => ({ url: 'http://10.0.0.1/uploads/1', token: 'token' }) } },
    signal,
  )

const jobOf = (build: Build): string => jobName(build, 1)
const hasJob = (build: Build): boolean =>
  its.cluster.started.some((request) => request.build.id === build.id)
const pushedBy = (build: Build): readonly string[] | undefined =>
  its.cluster.started.find((request) => request.build.id === build.id)?.build.plan.destinations

/** Runs a build until it has a Job. */
async function begin(build: Build): Promise<{ finish(): Promise<void> }> {
  const running = run(build)
  await Promise.race([running, eventually(() => hasJob(build))])
  return {
    async finish() {
      finishJob(build)
      await running
    },
  }
}

function finishJob(build: Build): void {
  const message = pushedBy(build)
    ?.map((tag) => `${tag}@${digest}`)
    .join('\n')
  its.cluster.show(jobOf(build), {
    phase: 'ended',
    ends: { clone: ok, build: { ...ok, message: message ?? '' } },
  })
}

const isHeldBy = async (build: Build, older: Build, name: string): Promise<void> => {
  const note = `Waiting for build ${older.id} of ${name}, which may push the same tags`
  await assert.rejects(
    run(build, AbortSignal.timeout(5_000)),
    (error: Error) => error instanceof RetryLater && error.message === note,
  )
  const record = await its.record(build.id)
  const { state, steps } = record
  assert.equal(describeBuild(record), note, 'the status says why')
  assert.ok(its.shown.includes(note))
  assert.equal(state, 'waiting')
  assert.equal(steps.at(-1)?.note, note)
  assert.equal(hasJob(build), false)
}

describe('a release', () => {
  it('waits for the older one that is about to push {major}, and says so', async () => {
    const older = await release('1.2.0', 'a')
    const first = await begin(older)
    const newer = await release('1.3.0', 'b')
    await isHeldBy(newer, older, 'tag v1.2.0')
    await first.finish()
    assert.deepEqual(await its.builds.mayStart(older), [newer.id], 'its end wakes the newer one')
    await (await begin(newer)).finish()
    assert.deepEqual(pushedBy(newer), [`${app}:v1.3.0`, `${app}:1`])
  })

  it('says once why it waits, however often it is looked at', async () => {
    await begin(await release('1.2.0', 'a'))
    const newer = await release('1.3.0', 'b')
    const before = its.shown.length
    for (let looks = 0; looks < 3; looks++)
      await assert.rejects(run(newer, AbortSignal.timeout(5_000)), RetryLater)
    assert.equal(its.shown.length, before + 1)
  })

  it('waits for no older one that has not started, for that has lost {major} to it', async () => {
    const older = await release('1.2.0', 'a')
    const newer = await release('1.3.0', 'b')
    const second = await begin(newer)
    const first = await begin(older)
    assert.deepEqual(pushedBy(older), [`${app}:v1.2.0`])
    assert.deepEqual(pushedBy(newer), [`${app}:v1.3.0`, `${app}:1`])
    await Promise.all([first.finish(), second.finish()])
  })

  it('that is planned while the older one is about to get its Job waits as well', async () => {
    const older = await release('1.2.0', 'a')
    const start = its.cluster.start.bind(its.cluster)
    let newer: Build | undefined
    its.cluster.start = async (request) => {
      // The older one has taken {major} once more, and no Job pushes it yet.
      newer ??= await release('1.3.0', 'b')
      await (request.build.id === older.id && isHeldBy(newer, older, 'tag v1.2.0'))
      return start(request)
    }
    const first = await begin(older)
    assert.deepEqual(pushedBy(older), [`${app}:v1.2.0`, `${app}:1`])
    await first.finish()
    assert.ok(newer)
    await (await begin(newer)).finish()
    assert.deepEqual(pushedBy(newer), [`${app}:v1.3.0`, `${app}:1`])
  })

  it('of another line waits for none', async () => {
    const first = await begin(await release('1.2.0', 'a'))
    const second = await begin(await release('2.0.0', 'b'))
    await Promise.all([first.finish(), second.finish()])
  })

  it('of several platforms holds the newer one until its index is there', async () => {
    const platforms = ['linux/amd64', 'linux/arm64']
    const plan = { platforms, publish: 'apart', destinations: [`${app}:1`] } as const
    const older = await its.create(plan, { ref: 'refs/tags/v1.2.0' })
    const newer = await its.create(plan, { ref: 'refs/tags/v1.3.0', sha: sha('b') })
    const running = run(older)
    const started = (part: string): Promise<boolean> =>
      eventually(() => its.cluster.started.some((request) => request.part === part))
    for (const part of platforms) {
      await started(part)
      const publish = { ...ok, message: `${app}@${digest}` }
      its.cluster.show(jobName(older, 1, part), {
        phase: 'ended',
        ends: { clone: ok, build: ok, publish },
      })
    }
    await started(indexPart)
    await isHeldBy(newer, older, 'tag v1.2.0')
    const publish = { ...ok, message: `${app}:1@${digest}` }
    its.cluster.show(jobName(older, 1, indexPart), { phase: 'ended', ends: { publish } })
    await running
    const worker = new AbortController()
    const next = run(newer, worker.signal)
    await eventually(() => hasJob(newer))
    worker.abort(new Error('the worker stops'))
    await assert.rejects(next, /the worker stops/)
  })
})

describe('an upload', () => {
  it('waits for the older one with the same tag, whether that has started or not', async () => {
    const older = await upload('a')
    const newer = await upload('b')
    await isHeldBy(newer, older, 'an upload')
    const first = await begin(older)
    await isHeldBy(newer, older, 'an upload')
    await first.finish()
    await (await begin(newer)).finish()
    assert.deepEqual(pushedBy(newer), [`${app}:edge`])
  })

  it('that is being built holds a push that has taken its tag', async () => {
    const older = await upload('a')
    const first = await begin(older)
    const branch = await push('refs/heads/edge', sha('b'), '{branch}')
    assert.deepEqual(branch.plan.destinations, older.plan.destinations)
    await isHeldBy(branch, older, 'an upload')
    await first.finish()
    await (await begin(branch)).finish()
  })
})

describe('builds that push one tag', () => {
  const latest = { destinations: [`${app}:latest`] }

  it('never run side by side, though they begin at one moment', async () => {
    for (let round = 1; round <= 20; round++) {
      const older = await its.create(latest, { ref: 'refs/heads/one', generation: round })
      const newer = await its.create(latest, { ref: 'refs/heads/two', generation: round })
      const held = assert.rejects(run(newer, AbortSignal.timeout(5_000)), RetryLater)
      const first = await begin(older)
      await held
      await first.finish()
      await (await begin(newer)).finish()
    }
  })

  it('cannot wait for each other, however their tags cross, and are built in the order in which they were made', async () => {
    const crossing = [['a', 'b'], ['b', 'c'], ['c', 'a'], ['d', 'a'], ['d']] as const
    const builds: Build[] = []
    for (const generation of [1, 2]) {
      for (const [at, tags] of crossing.entries()) {
        const plan = { destinations: tags.map((tag) => `${app}:${tag}`) }
        builds.push(await its.create(plan, { ref: `refs/tags/v${at}`, generation }))
      }
    }
    const going = new Set<Build>()
    async function toItsEnd(build: Build): Promise<void> {
      while (!isEnded((await its.record(build.id)).state)) {
        await run(build).catch((error: Error) => {
          if (!(error instanceof RetryLater)) throw error
        })
      }
    }
    const start = its.cluster.start.bind(its.cluster)
    its.cluster.start = async (request) => {
      const { destinations } = request.build.plan
      const beside = [...going].filter((other) =>
        other.plan.destinations.some((tag) => destinations.includes(tag)),
      )
      assert.deepEqual(beside, [])
      going.add(request.build)
      const answer = await start(request)
      setImmediate(() => {
        going.delete(request.build)
        finishJob(request.build)
      })
      return answer
    }
    // The newest first, as a queue may have it.
    await Promise.all(builds.toReversed().map(toItsEnd))
    for (const tag of ['a', 'b', 'c', 'd'].map((name) => `${app}:${name}`)) {
      const pushers = (all: readonly Build[]): string[] =>
        all.filter(({ plan }) => plan.destinations.includes(tag)).map(({ id }) => id)
      assert.deepEqual(pushers(its.cluster.started.map(({ build }) => build)), pushers(builds))
    }
  })

  it('are not held by one that was cancelled while it waited', async () => {
    const older = await its.create(latest, { ref: 'refs/heads/one' })
    const newer = await its.create(latest, { ref: 'refs/heads/two' })
    await isHeldBy(newer, older, 'one')
    await its.builds.requestStop(older.id, { why: 'cancelled', by: 'an operator' })
    await (await begin(newer)).finish()
  })

  it('are held by one that was cancelled while it ran, until its pod is gone', async () => {
    const older = await its.create(latest, { ref: 'refs/heads/one' })
    const running = begin(older)
    const { finish } = await running
    const newer = await its.create(latest, { ref: 'refs/heads/two' })
    await its.builds.requestStop(older.id, { why: 'cancelled', by: 'an operator' })
    await isHeldBy(newer, older, 'one')
    await finish()
    await (await begin(newer)).finish()
  })

  it('are not held by one that was superseded while it waited, but by what took its place', async () => {
    const older = await its.create(latest, { ref: 'refs/heads/one' })
    const newer = await its.create(latest, { ref: 'refs/heads/two' })
    const head = await its.create(latest, { ref: 'refs/heads/one', generation: 2, sha: sha('b') })
    assert.equal((await its.record(older.id)).state, 'superseded')
    await isHeldBy(head, newer, 'two')
    await (await begin(newer)).finish()
    await (await begin(head)).finish()
  })

  it('wait for it when one of them is a rebuild', async () => {
    const first = await its.create(latest, { ref: 'refs/tags/v1' })
    await (await begin(first)).finish()
    const second = await its.create(latest, { ref: 'refs/tags/v2' })
    const running = await begin(second)
    const again = await its.create(latest, { ref: 'refs/tags/v1', attempt: 2 })
    await isHeldBy(again, second, 'tag v2')
    await running.finish()
    await (await begin(again)).finish()
  })

  it('of the same commit do not wait where the tag names that alone', async () => {
    const tags = ['{branch}', '{tag}', '{shortSha}']
    const first = await begin(await push('refs/heads/main', sha('a'), ...tags))
    const second = await begin(await push('refs/tags/v1.0.0', sha('a'), ...tags))
    await Promise.all([first.finish(), second.finish()])
  })

  it('leave nothing behind when they have ended', async () => {
    const first = await its.create(latest, { ref: 'refs/heads/one' })
    const second = await its.create(latest, { ref: 'refs/heads/two' })
    const third = await its.create(latest, { ref: 'refs/heads/two', generation: 2 })
    const pushing = (): Promise<string[]> => its.redis.client.keys('*:pushing:*')
    assert.equal((await pushing()).length, 1)
    await (await begin(first)).finish()
    assert.equal((await its.record(second.id)).state, 'superseded')
    await its.builds.requestStop(third.id, { why: 'cancelled', by: 'an operator' })
    assert.deepEqual(await pushing(), [])
    await its.builds.create(
      { ...first, id: 'f'.repeat(16), plan: { ...imagePlan, ...latest } },
      { state: 'failed', reason: 'x' },
    )
    assert.deepEqual(await pushing(), [])
  })
})
