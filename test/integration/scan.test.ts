import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobName, type Build, type ImagePlan } from '../../src/builds/build.ts'
import { indexPart } from '../../src/builds/parts.ts'
import type { ContainerEnd } from '../../src/builds/ports.ts'
import type { ScanSettings } from '../../src/builds/scan.ts'
import { eventually } from '../support/eventually.ts'
import { useRunner } from '../support/runner.ts'

/** What a scan finds is kept with its build, and decides about it. */

const its = useRunner()
const scan: ScanSettings = { severities: ['CRITICAL', 'HIGH'], onFindings: 'fail' }
const ok: ContainerEnd = { exitCode: 0, reason: 'Completed', message: '' }
const found = 'scan CRITICAL=0 HIGH=2\nHIGH\tCVE-2026-0001\tbusybox\t1.37.0-r18\t1.37.0-r19\n'
const repository = 'registry.example.com/acme/app'
const digest = `sha256:${'a'.repeat(64)}`
const told = (place: string): ContainerEnd => ({ ...ok, message: `${place}@${digest}\n` })
const started = (count = 1): Promise<boolean> =>
  eventually(() => its.cluster.started.length >= count)

const create = (change: Partial<ImagePlan> = {}): Promise<Build> =>
  its.create({ publish: 'apart', scan, ...change })

test('a build that is being scanned says so', async () => {
  const build = await create()
  const job = jobName(build, 1)
  const running = its.run(build.id)
  await started()
  its.cluster.show(job, { phase: 'scanning', ends: { clone: ok, build: ok } })
  await eventually(() => its.shown.at(-1) === 'Scanning')
  const ends = { clone: ok, build: ok, scan: { ...ok, message: 'scan\n' } }
  its.cluster.show(job, {
    phase: 'ended',
    ends: { ...ends, publish: told(`${repository}:main`) },
  })
  await running
  const { outcome, scans } = await its.record(build.id)
  assert.equal(outcome?.state, 'succeeded')
  assert.deepEqual(scans, [{ counts: {}, findings: [] }])
  assert.match(its.shown.at(-1) ?? '', /^Pushed \S+:main in \S+ \(sha256:aaaaaaaaaaaa…\)$/)
})

const waiting = {
  reason: 'ImagePullBackOff',
  message: 'Back-off pulling image "trivy.example.com/trivy:1"',
}
const held = 'ImagePullBackOff: Back-off pulling image "trivy.example.com/trivy:1"'

test('a scan whose image is not there yet says what it waits for, until it has begun', async () => {
  const build = await create()
  const job = jobName(build, 1)
  let clock = Date.now()
  const running = its.run(build.id, { now: () => clock })
  await started()
  const scanning = { phase: 'scanning', ends: { clone: ok, build: ok } } as const
  its.cluster.show(job, { ...scanning, waiting })
  await eventually(() => its.shown.at(-1) === 'Scanning')
  clock += 6_000
  its.cluster.show(job, { ...scanning, waiting })
  await eventually(() => its.shown.at(-1) === `Scanning: ${held}`)
  assert.equal((await its.record(build.id)).steps.at(-1)?.note, held)
  its.cluster.show(job, scanning)
  await eventually(() => its.shown.at(-1) === 'Scanning')
  assert.equal((await its.record(build.id)).steps.at(-1)?.note, undefined)
  const ends = { clone: ok, build: ok, scan: { ...ok, message: 'scan\n' } }
  its.cluster.show(job, {
    phase: 'ended',
    ends: { ...ends, publish: told(`${repository}:main`) },
  })
  await running
})

test('a scan whose image cannot be pulled ends after startTimeout, whichever worker counts', async () => {
  const build = await create({ startTimeoutMs: 40_000 })
  const job = jobName(build, 1)
  let clock = Date.now()
  const now = (): number => clock
  const first = new AbortController()
  const running = its.run(build.id, { now }, first.signal)
  await started()
  const observation = { phase: 'scanning', ends: { clone: ok, build: ok }, waiting } as const
  its.cluster.show(job, observation)
  await eventually(() => its.shown.at(-1) === 'Scanning')
  clock += 39_000
  its.cluster.show(job, observation)
  await eventually(() => its.shown.at(-1) === `Scanning: ${held}`)
  first.abort(new Error('worker stops'))
  await assert.rejects(running, /worker stops/)
  clock += 2_000
  await its.run(build.id, { now })
  assert.deepEqual((await its.record(build.id)).outcome, {
    state: 'error',
    reason: `SCAN_IMAGE cannot be pulled: ${held}`,
  })
  assert.deepEqual(its.cluster.removed, [job])
})

test('an image with findings ends its build, and what was found stays with it', async () => {
  const build = await create()
  const running = its.run(build.id)
  await started()
  its.cluster.show(jobName(build, 1), {
    phase: 'ended',
    ends: { clone: ok, build: ok, scan: { exitCode: 10, reason: 'Error', message: found } },
  })
  await running
  const { outcome, scans } = await its.record(build.id)
  assert.deepEqual(outcome, {
    state: 'failed',
    reason:
      'Not published, it is vulnerable: 2 high; CVE-2026-0001 in busybox 1.37.0-r18 (fixed in 1.37.0-r19)',
  })
  assert.deepEqual(scans?.[0]?.counts, { HIGH: 2 })
  assert.equal(scans[0].findings.length, 1)
})

test('a database that does not answer is asked three times, each in a new Job', async () => {
  const build = await create()
  for (const tries of [1, 2, 3]) {
    const job = jobName(build, tries)
    const running = its.run(build.id)
    await started(tries)
    its.cluster.write(
      job,
      'scan',
      '2026-11-24T12:00:00Z\tFATAL\tFatal error\tinit error: DB error: failed to download vulnerability DB: failed to download artifact from mirror/trivy-db:2: OCI repository error: 1 error occurred:',
      '\t* Get "https://mirror/v2/": dial tcp: lookup mirror: no such host',
    )
    its.cluster.show(job, {
      phase: 'ended',
      ends: { clone: ok, build: ok, scan: { exitCode: 1, reason: 'Error', message: '' } },
    })
    if (tries < 3) await assert.rejects(running, new RegExp(`Try ${tries + 1} of 3`))
    else await running
  }
  assert.deepEqual((await its.record(build.id)).outcome, {
    state: 'error',
    reason:
      "Trivy's database mirror/trivy-db:2 cannot be fetched (no such host): name a copy as scan.database.repository (after 3 tries)",
  })
})

test('the status of several platforms has the most that one of them has, whichever comes first', async () => {
  const platforms = ['linux/amd64', 'linux/arm64']
  const build = await create({ platforms, scan: { ...scan, onFindings: 'warn' } })
  const running = its.run(build.id)
  await started(2)
  const show = (part: string, message: string): void =>
    its.cluster.show(jobName(build, 1, part), {
      phase: 'ended',
      ends: { clone: ok, build: ok, scan: { ...ok, message }, publish: told(repository) },
    })
  show(platforms[1]!, found)
  await eventually(async () => (await its.record(build.id)).scans?.length === 1)
  show(platforms[0]!, 'scan CRITICAL=1 HIGH=1\n')
  await started(3)
  its.cluster.show(jobName(build, 1, indexPart), {
    phase: 'ended',
    ends: { publish: told(`${repository}:main`) },
  })
  await running
  const { scans = [] } = await its.record(build.id)
  assert.deepEqual(new Set(scans.map(({ part }) => part)), new Set(platforms))
  assert.match(its.shown.at(-1) ?? '', /\(sha256:aaaaaaaaaaaa…\), vulnerable: 1 critical, 2 high$/)
})
