import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { Redis } from 'ioredis'
import type { GiteaStatus } from '../stand-ins/gitea/stand-in.ts'
import { succeeds } from '../stand-ins/kubernetes/index.ts'
import { eventually } from '../support/eventually.ts'
import { startKanihook, type KanihookProcess } from '../support/kanihook-process.ts'
import { adminToken, forgeToken, install, path, type Installation } from './cli/installation.ts'

/** Redis emptied under running builds: real processes on a real Redis and git, and a scripted cluster. */

const headers = { authorization: `Bearer ${adminToken}` }
let its: Installation
let redis: Redis
let release: () => void
/** How many pods have run. */
let pods: number
const others: KanihookProcess[] = []

before(async () => {
  its = await install(
    'repositories: [{ match: "**", branches: ["**"], destination: "r.example.com/{owner}/{repo}" }]',
    { SWEEP_INTERVAL: '1s' },
  )
  redis = new Redis(its.settings['REDIS_URL'] as string)
})
afterEach(async () => {
  release()
  await Promise.all(others.splice(0).map((each) => each.kill()))
})
after(async () => {
  redis?.disconnect()
  await its?.close()
})

/** Builds from now on run until they are released. */
function hold(): void {
  const held = new Promise<void>((resolve) => (release = resolve))
  pods = 0
  its.runner.byDefault(async (pod) => {
    pods += 1
    await held
    await succeeds(pod)
  })
}

async function statuses(sha: string): Promise<readonly GiteaStatus[]> {
  const url = `${its.settings['GITEA_API_URL']}/repos/${path}/statuses/${sha}`
  const response = await fetch(url, { headers: { authorization: `token ${forgeToken}` } })
  const all = (await response.json()) as GiteaStatus[]
  return all.toSorted((a, b) => a.id - b.id)
}

const shows = (sha: string, wanted: string): Promise<true> =>
  eventually(async () => (await statuses(sha)).at(-1)?.status === wanted, {
    within: 40_000,
    what: `${sha} is shown as ${wanted}`,
  })

/** Resolves when the sweep has looked four times more: long enough to find what there is. */
const swept = async (): Promise<void> => {
  const runs = async (): Promise<number> => {
    const text = await (await fetch(`${its.kanihook.adminUrl}/metrics`)).text()
    return Number(/^kanihook_sweep_runs_total\{.*"done"\} (\d+)$/m.exec(text)?.[1] ?? 0)
  }
  const before = await runs()
  await eventually(async () => (await runs()) >= before + 4, { within: 30_000 })
}

test('running builds are adopted, their records come back, their statuses end, and nothing is built anew', async () => {
  hold()
  const made = [await its.push('one'), await its.push('two')]
  await eventually(() => pods === 2, { within: 20_000, what: 'both run' })
  await redis.flushall()
  for (const { id } of made) {
    await eventually(async () => its.build(id), {
      within: 30_000,
      what: `${id} has a record again`,
    })
  }
  release()
  for (const { id, sha } of made) {
    await its.reaches(id, 'succeeded')
    await shows(sha, 'success')
  }
  // The sweep sees both branches at what was built of them.
  await swept()
  const { builds } = await its.kanihook.api<{ builds: { id: string }[] }>('/builds', { headers })
  assert.deepEqual(new Set(builds.map(({ id }) => id)), new Set(made.map(({ id }) => id)))
  assert.equal(pods, 2)
})

test('a worker that finds Redis empty at its start adopts what runs', async () => {
  hold()
  const { sha } = await its.push('three')
  await eventually(() => pods === 1, { within: 20_000, what: 'it runs' })
  await its.kanihook.kill()
  await redis.flushall()
  others.push(await startKanihook(its.settings))
  release()
  await shows(sha, 'success')
  assert.equal(pods, 1)
})
