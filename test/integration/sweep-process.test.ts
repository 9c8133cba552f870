import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { GiteaStatus } from '../stand-ins/gitea/stand-in.ts'
import { succeeds } from '../stand-ins/kubernetes/index.ts'
import { eventually } from '../support/eventually.ts'
import { startKanihook, type KanihookProcess } from '../support/kanihook-process.ts'
import { adminToken, forgeToken, install, path, type Installation } from './cli/installation.ts'

/** Missed deliveries as users meet them: real processes, on a real Redis and a real git. */

const headers = { authorization: `Bearer ${adminToken}` }
let its: Installation
let other: KanihookProcess

before(async () => {
  const own = { SWEEP_INTERVAL: '1s' }
  its = await install(
    'repositories: [{ match: "**", branches: ["**"], destination: "r.example.com/{owner}/{repo}" }]',
    own,
  )
  its.runner.byDefault(succeeds)
  other = await startKanihook({ ...its.settings, KANIHOOK_ROLES: 'worker' })
})
after(async () => {
  await other?.kill()
  await its?.close()
})

async function statuses(sha: string): Promise<GiteaStatus[]> {
  const url = `${its.settings['GITEA_API_URL']}/repos/${path}/statuses/${sha}`
  const response = await fetch(url, { headers: { authorization: `token ${forgeToken}` } })
  return (await response.json()) as GiteaStatus[]
}

const logged = (message: string) =>
  [...its.kanihook.log, ...other.log].filter(({ msg }) => msg === message)

test('a push whose webhook never came is built, and its status, the builds and the log say so', async () => {
  const { id } = await its.push('main')
  await its.reaches(id, 'succeeded')
  const sha = await its.git.commit(`${path}.git`, { Dockerfile: 'FROM scratch', a: 'missed' })
  const ended = await eventually(
    async () => (await statuses(sha)).find(({ status }) => status === 'success'),
    { within: 30_000, what: 'the missed push is built' },
  )
  assert.match(ended.description, /^Pushed r\.example\.com\/acme\/app:main .*; found by the sweep$/)

  const line = (await its.run('builds')).out
    .split('\n')
    .find((each) => each.includes(sha.slice(0, 7)))
  assert.match(line ?? '', /; found by the sweep$/)
  const [found, ...more] = logged('push found by the sweep: its delivery never came')
  assert.deepEqual(more, [], 'found once, by one of two workers')
  const told = await its.kanihook.api<{ foundBy: string; after: string; builds: string[] }>(
    `/deliveries/${String(found?.['delivery'])}`,
    { headers },
  )
  assert.deepEqual([told.foundBy, told.after, told.builds.length], ['sweep', sha, 1])
  assert.equal((await statuses(sha)).filter(({ status }) => status === 'success').length, 1)
})

test('two workers look at a repository once in an interval between them', async () => {
  const runs = async (): Promise<number> => {
    const texts = await Promise.all(
      [its.kanihook, other].map(async ({ adminUrl }) =>
        (await fetch(`${adminUrl}/metrics`)).text(),
      ),
    )
    const counts = texts.map(
      (text) => /^kanihook_sweep_runs_total\{.*"done"\} (\d+)$/m.exec(text)?.[1],
    )
    return counts.reduce((sum, count) => sum + Number(count ?? 0), 0)
  }
  const [start, before] = [performance.now(), await runs()]
  await eventually(async () => (await runs()) >= before + 4, { within: 30_000 })
  // An interval is at least 0.8 s; what began before may end after.
  const most = (performance.now() - start) / 800 + 2
  assert.ok((await runs()) - before <= most, `${(await runs()) - before} looks, at most ${most}`)
})
