import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  fails,
  simulatedDigest,
  succeeds,
  type ScriptedPod,
} from '../../stand-ins/kubernetes/index.ts'
import { eventually } from '../../support/eventually.ts'
import { install, type Installation } from './installation.ts'

/** Commands about builds for several platforms, asking a kanihook that runs; what would run in pods is scripted. */

let its: Installation
let root: string
let uploads: string
let context: string
/** Every pod that there was in a test. */
let pods: ScriptedPod[]

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'kanihook-platforms-'))
  ;[uploads, context] = [join(root, 'uploads'), join(root, 'context')]
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\n')
  const platforms = 'platforms: [linux/amd64, linux/arm64], crossBuild: true'
  its = await install(
    `repositories: [{ match: "**", branches: ["**"], images: [{ name: app, destination: "registry.example.com/{owner}/{repo}", ${platforms} }] }]
uploads: [{ name: shop, destination: registry.example.com/try/shop, tags: [edge, "{shortSha}"], ${platforms} }]
`,
    { UPLOADS_DIR: uploads, UPLOADS_PORT: '0', TMPDIR: root },
  )
})
after(async () => {
  await its?.close()
  await rm(root, { recursive: true, force: true })
})
beforeEach(() => {
  pods = []
  play(succeeds)
})

function play(script: (pod: ScriptedPod) => Promise<void> | void): void {
  its.runner.byDefault((pod) => {
    pods.push(pod)
    return script(pod)
  })
}

const isOf = ({ job }: ScriptedPod, part: string): boolean => job.includes(part)
const argsOf = ({ pod: { spec } }: ScriptedPod): readonly string[] =>
  spec?.containers[0]?.args ?? []

/** The Jobs of one build: those of the platforms, and the one of the index with what it joins. */
function jobsOf(all: readonly ScriptedPod[]) {
  const [index] = all.filter((pod) => !pod.has('build'))
  const platforms = all.filter((pod) => pod.has('build'))
  assert.ok(index)
  const [arm64, amd64] = [true, false].map((wanted) =>
    platforms.find((pod) => isOf(pod, 'arm64') === wanted),
  )
  return { amd64: amd64?.job ?? '', arm64: arm64?.job ?? '', index }
}

describe('kanihook rebuild', () => {
  it('builds every platform anew, and joins what these have pushed', async () => {
    const first = await its.push('rebuilt')
    await its.reaches(first.id, 'succeeded')
    assert.equal(pods.length, 3)
    const old = pods.splice(0).map(({ job }) => job)
    const { code, out, err } = await its.run('rebuild', first.id, '-f')
    assert.equal(code, 0, err)
    assert.equal(pods.length, 3)
    assert.deepEqual(
      pods.filter(({ job }) => old.includes(job)).map(({ job }) => job),
      [],
    )
    const { amd64, arm64, index } = jobsOf(pods)
    assert.deepEqual(argsOf(index).slice(0, 3), [
      simulatedDigest(amd64),
      simulatedDigest(arm64),
      '--',
    ])
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      assert.match(out, new RegExp(`^${platform} build Pushed image$`, 'm'))
    }
    assert.match(err, new RegExp(`: succeeded: Pushed .*\\(${simulatedDigest(index.job)}\\)$`, 'm'))
  })

  it('of a build of which one platform failed does not believe the other’s digest', async () => {
    play((pod) => (isOf(pod, 'arm64') ? fails({ exitCode: 1 }, 'no')(pod) : succeeds(pod)))
    const first = await its.push('half')
    await its.reaches(first.id, 'failed')
    pods = []
    play(succeeds)
    const { code, err } = await its.run('rebuild', first.id, '-f')
    assert.equal(code, 0, err)
    assert.equal(pods.length, 3)
  })
})

describe('kanihook build', () => {
  const build = () => its.run('build', '--context', context, '--image', 'shop')
  const nothingLeft = (): Promise<true> =>
    eventually(async () => (await readdir(uploads)).length === 0, { what: 'the upload is removed' })

  it('makes one image of a folder for all platforms, and ends with the index by its digest', async () => {
    const secretsMade = (): number =>
      its.cluster.requests.filter((line) => /^POST .*\/secrets/.test(line)).length
    const before = secretsMade()
    const { code, out, err } = await build()
    assert.equal(code, 0, err)
    assert.equal(pods.length, 3)
    // What joins the platforms fetches nothing.
    assert.equal(secretsMade() - before, 2)
    const digest = simulatedDigest(jobsOf(pods).index.job)
    const [edge, short] = out.split('\n').slice(-2)
    assert.equal(edge, `registry.example.com/try/shop:edge@${digest}`)
    assert.match(
      short ?? '',
      new RegExp(`^registry\\.example\\.com/try/shop:[0-9a-f]{12}@${digest}$`),
    )
    await nothingLeft()
  })

  it('keeps the folder until the last platform has fetched it', async () => {
    const first = Promise.withResolvers<void>()
    const last = Promise.withResolvers<ScriptedPod>()
    play(async (pod) => {
      if (isOf(pod, 'arm64')) {
        last.resolve(pod)
        await first.promise
      }
      await succeeds(pod)
    })
    const ended = build()
    const { pod, job } = await last.promise
    await eventually(() => pods.some((each) => isOf(each, 'amd64')))
    const url = pod.spec?.initContainers?.[0]?.args?.[0] ?? ''
    const secret = await eventually(() => its.cluster.secret(job))
    const token = Buffer.from(secret.data?.['GIT_PASSWORD'] ?? '', 'base64').toString()
    const fetched = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    assert.equal(fetched.status, 200)
    assert.equal((await readdir(uploads)).length, 1)
    first.resolve()
    assert.equal((await ended).code, 0)
    await nothingLeft()
  })

  it('says which platform failed, and keeps nothing', async () => {
    play((pod) => {
      if (!isOf(pod, 'arm64')) return succeeds(pod)
      return fails(
        { exitCode: 1 },
        'error building image: error building stage: failed to execute command: waiting for process to exit: exit status 7',
      )(pod)
    })
    const { code, out, err } = await build()
    assert.equal(code, 1)
    assert.match(err, /: failed: linux\/arm64: RUN failed with exit code 7/m)
    assert.doesNotMatch(out, /@sha256:/)
    await nothingLeft()
  })
})
