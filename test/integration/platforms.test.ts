import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobName, type Build, type TagClaim } from '../../src/builds/build.ts'
import { indexPart } from '../../src/builds/parts.ts'
import type { BuildStore, Cluster, JobObservation } from '../../src/builds/ports.ts'
import { RetryLater } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { useRunner } from '../support/runner.ts'
import { sha } from '../support/samples.ts'

/** A build for several platforms: a Job each, then one that makes the index. */

const its = useRunner()
const [amd64, arm64] = ['linux/amd64', 'linux/arm64']
const platforms = [amd64, arm64]
const repository = 'registry.example.com/acme/app'
const destinations = [`${repository}:main`, `${repository}:latest`]
const digests: Readonly<Record<string, string>> = {
  [amd64]: `sha256:${'a'.repeat(64)}`,
  [arm64]: `sha256:${'b'.repeat(64)}`,
  [indexPart]: `sha256:${'c'.repeat(64)}`,
}

const ok = { exitCode: 0, reason: 'Completed', message: '' }
const published = (...lines: string[]) => ({ ...ok, message: `${lines.join('\n')}\n` })
const building: JobObservation = { phase: 'building', ends: { clone: ok } }
const pushed = (platform: string): JobObservation => ({
  phase: 'ended',
  ends: { clone: ok, build: ok, publish: published(`${repository}@${digests[platform]}`) },
})
const indexed: JobObservation = {
  phase: 'ended',
  ends: { publish: published(...destinations.map((tag) => `${tag}@${digests[indexPart]}`)) },
}
const failed: JobObservation = {
  phase: 'ended',
  ends: { clone: ok, build: { exitCode: 7, reason: 'Error', message: '' } },
}

const create = (change = {}, identity = {}): Promise<Build> =>
  its.create({ platforms, publish: 'apart', destinations, ...change }, identity)
const job = (build: Build, part: string, tries = 1): string => jobName(build, tries, part)
const startedJobs = (): string[] =>
  its.cluster.started.map(({ build, tries, part }) => jobName(build, tries, part))
const hasStarted = (...jobs: string[]): Promise<boolean> =>
  eventually(() => jobs.every((each) => startedJobs().includes(each)))
const success = {
  state: 'succeeded',
  pushed: destinations.map((destination) => ({ destination, digest: digests[indexPart] })),
}

test('a Job for each platform runs side by side, then one makes the index of their digests under all tags', async () => {
  const build = await create()
  const running = its.run(build.id)
  await hasStarted(job(build, amd64), job(build, arm64))
  its.cluster.show(job(build, arm64), building)
  await eventually(() => its.shown.includes('Building linux/amd64, linux/arm64'))
  its.cluster.show(job(build, arm64), pushed(arm64))
  await eventually(() => its.shown.includes('Building linux/amd64'))
  assert.equal(startedJobs().length, 2)
  its.cluster.show(job(build, amd64), pushed(amd64))
  await hasStarted(job(build, indexPart))
  const request = its.cluster.started[2]
  assert.equal(request?.credential, undefined)
  assert.deepEqual(request?.build.parts, {
    [amd64]: { tries: 1, digest: digests[amd64] },
    [arm64]: { tries: 1, digest: digests[arm64] },
    [indexPart]: { tries: 1 },
  })
  its.cluster.show(job(build, indexPart), { phase: 'publishing', ends: {} })
  await eventually(() => its.shown.at(-1) === 'Publishing the index')
  its.cluster.show(job(build, indexPart), indexed)
  await running
  const { outcome, steps } = await its.record(build.id)
  assert.deepEqual(outcome, success)
  assert.match(
    its.shown.at(-1) ?? '',
    /^Pushed .*app:main and 1 more in \S+ \(sha256:cccccccccccc…\)$/,
  )
  const stepsOf = (part: string): string[] =>
    steps.filter((step) => step.part === part).map(({ name }) => name)
  assert.deepEqual(stepsOf(arm64), ['starting', 'building', 'publishing', 'pushed'])
  assert.deepEqual(stepsOf(indexPart), ['starting', 'publishing'])
  assert.deepEqual(its.cluster.removed, [])
})

test("a platform's clone login goes as soon as its clone is done, whatever the others do", async () => {
  const build = await create()
  const running = its.run(build.id)
  await hasStarted(job(build, amd64), job(build, arm64))
  its.cluster.show(job(build, amd64), { phase: 'cloning', ends: {} })
  its.cluster.show(job(build, arm64), building)
  await eventually(() => its.cluster.forgotten.length > 0)
  assert.deepEqual(new Set(its.cluster.forgotten), new Set([job(build, arm64)]))
  its.cluster.show(job(build, amd64), building)
  await eventually(() => its.cluster.forgotten.includes(job(build, amd64)))
  its.cluster.show(job(build, amd64), failed)
  await running
})

test('the first platform that fails ends the others, and the status names it', async () => {
  const build = await create()
  const running = its.run(build.id)
  await hasStarted(job(build, amd64), job(build, arm64))
  its.cluster.show(job(build, amd64), building)
  its.cluster.write(
    job(build, arm64),
    'build',
    'error building image: error building stage: failed to execute command: waiting for process to exit: exit status 7',
  )
  its.cluster.show(job(build, arm64), failed)
  await running
  assert.deepEqual((await its.record(build.id)).outcome, {
    state: 'failed',
    reason: 'linux/arm64: RUN failed with exit code 7',
  })
  assert.deepEqual(its.cluster.removed, [job(build, amd64)])
  assert.equal(startedJobs().length, 2)
})

test('lines of the log say of which platform they are, and none is lost or doubled when a worker is replaced', async () => {
  const build = await create()
  const first = new AbortController()
  const running = its.run(build.id, {}, first.signal)
  await hasStarted(job(build, amd64), job(build, arm64))
  for (const platform of platforms) {
    its.cluster.show(job(build, platform), building)
    its.cluster.write(job(build, platform), 'build', `one of ${platform}`)
  }
  await eventually(async () => (await its.logs.read(build.id)).lines.length === 2)
  first.abort(new Error('worker stops'))
  await assert.rejects(running, /worker stops/)
  const second = its.run(build.id)
  for (const platform of platforms) {
    its.cluster.write(job(build, platform), 'build', `two of ${platform}`)
    its.cluster.show(job(build, platform), pushed(platform))
  }
  await hasStarted(job(build, indexPart))
  its.cluster.write(job(build, indexPart), 'publish', 'index')
  its.cluster.show(job(build, indexPart), indexed)
  await second
  const lines = (await its.logs.read(build.id)).lines.map(({ platform, container, text }) =>
    [platform ?? '', container, text].join(' '),
  )
  assert.deepEqual(lines.toSorted(), [
    ' publish index',
    'linux/amd64 build one of linux/amd64',
    'linux/amd64 build two of linux/amd64',
    'linux/arm64 build one of linux/arm64',
    'linux/arm64 build two of linux/arm64',
  ])
})

test('a platform that the infrastructure fails is tried again alone', async () => {
  const build = await create()
  const running = its.run(build.id)
  await hasStarted(job(build, amd64), job(build, arm64))
  its.cluster.show(job(build, amd64), building)
  its.cluster.show(job(build, arm64), { phase: 'absent', ends: {} })
  await eventually(() => its.shown.includes('linux/arm64: Try 2 of 3: The Job or its pod vanished'))
  its.cluster.show(job(build, amd64), pushed(amd64))
  // With nothing left to follow it gives its place to others until the try is due.
  await assert.rejects(running, /Try 2 of 3/)
  const again = its.run(build.id)
  await hasStarted(job(build, arm64, 2))
  its.cluster.show(job(build, arm64, 2), pushed(arm64))
  await hasStarted(job(build, indexPart))
  its.cluster.show(job(build, indexPart), indexed)
  await again
  assert.deepEqual((await its.record(build.id)).outcome, success)
  assert.deepEqual(startedJobs(), [
    job(build, amd64),
    job(build, arm64),
    job(build, arm64, 2),
    job(build, indexPart),
  ])
})

test('a platform that the infrastructure fails three times ends the build, and the others with it', async () => {
  const build = await create()
  await its.builds.update(build.id, { state: 'running', tries: 1 })
  await its.builds.update(build.id, { part: arm64, tries: 3 })
  const running = its.run(build.id)
  await hasStarted(job(build, amd64), job(build, arm64, 3))
  its.cluster.show(job(build, amd64), building)
  its.cluster.show(job(build, arm64, 3), { phase: 'absent', ends: {} })
  await running
  assert.deepEqual((await its.record(build.id)).outcome, {
    state: 'error',
    reason: 'linux/arm64: The Job or its pod vanished (after 3 tries)',
  })
  assert.deepEqual(its.cluster.removed.toSorted(), [job(build, amd64), job(build, arm64, 3)])
})

test('what a platform has pushed is not built again, though its Job is gone', async () => {
  const build = await create()
  const first = new AbortController()
  const running = its.run(build.id, {}, first.signal)
  await hasStarted(job(build, amd64), job(build, arm64))
  its.cluster.show(job(build, amd64), pushed(amd64))
  await eventually(async () => (await its.record(build.id)).parts?.[amd64]?.digest)
  first.abort(new Error('killed'))
  await assert.rejects(running, /killed/)
  its.cluster.show(job(build, amd64), { phase: 'absent', ends: {} })
  its.cluster.show(job(build, arm64), pushed(arm64))
  const second = its.run(build.id)
  await hasStarted(job(build, indexPart))
  its.cluster.show(job(build, indexPart), indexed)
  await second
  assert.deepEqual((await its.record(build.id)).outcome, success)
  assert.equal(startedJobs().filter((each) => each === job(build, amd64)).length, 1)
})

for (const stop of [
  { why: 'superseded', bySha: sha('9') },
  { why: 'cancelled', by: 'an operator' },
] as const) {
  test(`a build that is ${stop.why} ends when the pods of all its platforms are gone, and touches no tag`, async () => {
    const build = await create()
    const running = its.run(build.id)
    await hasStarted(job(build, amd64), job(build, arm64))
    its.cluster.show(job(build, amd64), building)
    await its.builds.requestStop(build.id, stop)
    its.cluster.show(job(build, arm64), building)
    await running
    const { state } = await its.record(build.id)
    assert.equal(state, stop.why)
    assert.deepEqual(its.cluster.removed.toSorted(), [job(build, amd64), job(build, arm64)])
    assert.equal(startedJobs().length, 2)
  })

  test(`a build that was ${stop.why} between its platforms and its index, while nobody held it, makes no index`, async () => {
    const build = await create()
    await its.builds.update(build.id, { state: 'running', tries: 1 })
    for (const part of platforms) {
      await its.builds.update(build.id, { part, tries: 1, digest: digests[part] as string })
    }
    await its.builds.requestStop(build.id, stop)
    await its.run(build.id)
    assert.equal((await its.record(build.id)).state, stop.why)
    assert.deepEqual(startedJobs(), [])
  })
}

test('a moving tag that a newer version has taken meanwhile is not put on the index', async () => {
  const claim = (version: string): TagClaim => ({
    destination: `${repository}:1`,
    repositoryId: 'gitea/7',
    image: 'app',
    ref: `refs/tags/v${version}`,
    version,
  })
  const own = `${repository}:1.2.0`
  const build = await create(
    { destinations: [own, `${repository}:1`] },
    { ref: 'refs/tags/v1.2.0', moving: [claim('1.2.0')] },
  )
  await its.refs.claimTag(claim('1.2.0'))
  const running = its.run(build.id)
  await hasStarted(job(build, amd64), job(build, arm64))
  // The platforms push no tag: what counts is who has it when the index is made.
  await its.refs.claimTag(claim('1.10.0'))
  for (const part of platforms) its.cluster.show(job(build, part), pushed(part))
  await hasStarted(job(build, indexPart))
  const request = its.cluster.started.find(({ part }) => part === indexPart)
  assert.deepEqual(request?.build.plan.destinations, [own])
  const publish = published(`${own}@${digests[indexPart]}`)
  its.cluster.show(job(build, indexPart), { phase: 'ended', ends: { publish } })
  await running
  assert.deepEqual((await its.record(build.id)).outcome, {
    state: 'succeeded',
    pushed: [{ destination: own, digest: digests[indexPart] }],
  })
})

test('nothing that a build of several platforms leaves is kept for longer than its retention', async () => {
  alive()
  const build = await create()
  const start = its.cluster.start.bind(its.cluster)
  its.cluster.start = async (request) => {
    const name = jobName(request.build, request.tries, request.part)
    its.cluster.write(name, request.part === indexPart ? 'publish' : 'build', 'a line')
    return start(request)
  }
  await its.run(build.id)
  assert.deepEqual((await its.record(build.id)).outcome, success)
  assert.equal((await its.logs.read(build.id)).lines.length, 3)
  const { client } = its.redis
  const keys = await client.keys(`*${build.id}*`)
  assert.deepEqual(
    new Set(keys.map((each) => each.split(':')[1])),
    new Set(['build', 'log', 'log-facts']),
  )
  for (const each of keys) {
    const left = await client.pttl(each)
    assert.ok(left > 0 && left <= 60_000, `${each}: ${left}`)
  }
})

test('an index that was made before the build could be stopped is told as pushed', async () => {
  const build = await create()
  const running = its.run(build.id)
  await hasStarted(job(build, amd64), job(build, arm64))
  for (const part of platforms) its.cluster.show(job(build, part), pushed(part))
  await hasStarted(job(build, indexPart))
  await its.builds.requestStop(build.id, { why: 'cancelled', by: 'an operator' })
  its.cluster.show(job(build, indexPart), indexed)
  await running
  assert.deepEqual((await its.record(build.id)).outcome, success)
})

test('a platform that a full quota holds back is said to be, while the other goes on', async () => {
  const build = await create()
  const start = its.cluster.start.bind(its.cluster)
  let full = true
  its.cluster.start = async (request) => {
    if (full && request.part === arm64) {
      throw new RetryLater("The namespace's quota is full", { afterMs: 20 })
    }
    return start(request)
  }
  const running = its.run(build.id)
  await hasStarted(job(build, amd64))
  await eventually(() => its.shown.includes("linux/arm64: The namespace's quota is full"))
  its.cluster.show(job(build, amd64), building)
  await eventually(async () => (await its.record(build.id)).state === 'running')
  full = false
  await hasStarted(job(build, arm64))
  for (const part of platforms) its.cluster.show(job(build, part), pushed(part))
  await hasStarted(job(build, indexPart))
  its.cluster.show(job(build, indexPart), indexed)
  await running
  assert.deepEqual((await its.record(build.id)).outcome, success)
})

test('a platform that takes longer than the time-out ends the build, and names itself', async () => {
  const build = await create({ timeoutMs: 90_000 })
  let clock = Date.now()
  const running = its.run(build.id, { now: () => clock })
  await hasStarted(job(build, amd64), job(build, arm64))
  its.cluster.show(job(build, amd64), pushed(amd64))
  its.cluster.show(job(build, arm64), building)
  await eventually(async () =>
    (await its.record(build.id)).steps.some(
      ({ part, name }) => part === arm64 && name === 'building',
    ),
  )
  clock += 91_000
  its.cluster.show(job(build, arm64), building)
  await running
  assert.deepEqual((await its.record(build.id)).outcome, {
    state: 'failed',
    reason: 'linux/arm64: Timed out after 1m30s: raise timeout, or turn the cache on',
  })
  assert.deepEqual(its.cluster.removed, [job(build, arm64)])
})

test('a pod that cannot be removed does not hold its build for ever, and the other platform is ended too', async () => {
  const build = await create()
  const remove = its.cluster.remove.bind(its.cluster)
  its.cluster.remove = (name, signal) =>
    name === job(build, arm64)
      ? new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new RetryLater('still there')))
        })
      : remove(name, signal)
  const running = its.run(build.id, { removalMs: 20 })
  await hasStarted(job(build, amd64), job(build, arm64))
  its.cluster.show(job(build, amd64), building)
  its.cluster.show(job(build, arm64), { phase: 'absent', ends: {} })
  await running
  assert.deepEqual((await its.record(build.id)).outcome, {
    state: 'error',
    reason:
      'linux/arm64: The Job or its pod vanished; its pod could not be removed: is its node gone?',
  })
  assert.deepEqual(its.cluster.removed, [job(build, amd64)])
})

/** Every Job goes on one step each time it is looked at. */
function alive(): void {
  const { cluster } = its
  const observe = cluster.observe.bind(cluster)
  cluster.observe = async (name) => {
    const found = await observe(name)
    const part = [...platforms, indexPart].find((each) =>
      name.endsWith(each.replace('linux/', '-').replace(/^i/, '-i')),
    )
    if (part === undefined || found.phase === 'absent') return found
    const [first, second, last] =
      part === indexPart
        ? [{ phase: 'publishing', ends: {} } as const, indexed, indexed]
        : [{ phase: 'cloning', ends: {} } as const, building, pushed(part)]
    const next = { pending: first, cloning: second, publishing: second, building: last } as const
    cluster.show(name, next[found.phase as keyof typeof next] ?? found)
    return found
  }
}

/** The stores and the cluster as one worker sees them, which dies before or after its n-th change. */
function mortal(
  n: number,
  when: 'before' | 'after',
): { builds: BuildStore; cluster: Cluster; died: () => boolean } {
  let left = n
  let dead = false
  const guarded = <T extends object>(target: T, changes: readonly (keyof T)[]): T =>
    new Proxy(target, {
      get(it, key) {
        const method = it[key as keyof T]
        if (typeof method !== 'function') return method
        return (...args: unknown[]): unknown => {
          if (dead) throw new Error('killed')
          const call = (): unknown => method.apply(it, args)
          if (!changes.includes(key as keyof T) || left-- > 0) return call()
          dead = true
          if (when === 'before') throw new Error('killed')
          return Promise.resolve(call()).then(() => {
            throw new Error('killed')
          })
        }
      },
    })
  return {
    builds: guarded(its.builds, ['update', 'end']),
    cluster: guarded<Cluster>(its.cluster, ['start', 'remove', 'forgetCredential']),
    died: () => dead,
  }
}

for (const when of ['before', 'after'] as const) {
  test(`a worker may be killed ${when} any of its changes: another one ends the build the same, by one Job a part`, async () => {
    alive()
    let deaths = 0
    for (;;) {
      its.cluster.started.length = 0
      const build = await create({}, { generation: deaths + 1 })
      const { builds, cluster, died } = mortal(deaths, when)
      await its.run(build.id, { builds, cluster }).catch((error: Error) => {
        if (error.message !== 'killed') throw error
      })
      if (!died()) break
      deaths += 1
      await its.run(build.id)
      const { outcome, parts } = await its.record(build.id)
      assert.deepEqual(outcome, success, `after ${deaths} changes`)
      assert.deepEqual(
        new Set(startedJobs()),
        new Set([amd64, arm64, indexPart].map((part) => job(build, part))),
      )
      assert.deepEqual(
        Object.values(parts ?? {}).map(({ tries }) => tries),
        [1, 1, 1],
      )
    }
    assert.ok(deaths >= 12, `${deaths} changes`)
  })
}
