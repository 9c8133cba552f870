import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { createGiteaStandIn, type GiteaStatus } from '../stand-ins/gitea/stand-in.ts'
import type { ForgeServer } from '../stand-ins/forge-server.ts'
import {
  createScriptedRunner,
  startKubernetes,
  succeeds,
  type Kubernetes,
  type Script,
} from '../stand-ins/kubernetes/index.ts'
import { eventually } from '../support/eventually.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { startKanihook, type KanihookProcess } from '../support/kanihook-process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

/**
 * Several kanihooks as their users run them: real processes on one real Redis, asking a real git.
 * The cluster is the stand-in with scripted outcomes: what is shown is who does what, and how often.
 */

const secret = 'a secret of the webhook'
const token = 'token-of-the-forge'
const path = 'acme/app'

let redis: TestRedis
let git: GitServer
let forge: ForgeServer
let cluster: Kubernetes
let folder: string
let settings: Record<string, string>
const runner = createScriptedRunner()
const processes: KanihookProcess[] = []

before(async () => {
  redis = await startRedis()
  git = await startGitServer({ login: { username: 'kanihook', password: token } })
  forge = await createGiteaStandIn({ repositories: [path], tokens: [token] })
  cluster = await startKubernetes({ runner: runner.run, namespaces: ['kanihook-builds'] })
  folder = await mkdtemp(join(tmpdir(), 'kanihook-processes-'))
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, cluster.kubeConfigYaml())
  const config = join(folder, 'kanihook.yaml')
  await writeFile(
    config,
    `repositories: [{ match: "**", branches: ["**"], destination: "registry.example.com/{owner}/{repo}" }]`,
  )
  settings = {
    REDIS_URL: redis.url,
    KANIHOOK_CONFIG: config,
    KUBECONFIG: kubeconfig,
    GITEA_URL: git.url,
    GITEA_API_URL: `${forge.url}/api/v1`,
    GITEA_TOKEN: token,
    GITEA_WEBHOOK_SECRETS: secret,
    PUBLIC_URL: 'https://hooks.example.com',
  }
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.kill()))
})
after(async () => {
  await Promise.all([git.stop(), forge.close(), cluster.stop(), redis.stop()])
  await rm(folder, { recursive: true, force: true })
})

async function start(roles: string): Promise<KanihookProcess> {
  const started = await startKanihook({ ...settings, KANIHOOK_ROLES: roles })
  processes.push(started)
  return started
}

/** Commits to a branch of its own and posts the webhook of that push. */
async function push(to: KanihookProcess, branch: string): Promise<{ sha: string; status: number }> {
  const ref = `refs/heads/${branch}`
  const sha = await git.commit(`${path}.git`, { Dockerfile: 'FROM scratch', branch }, { ref })
  const body = Buffer.from(
    JSON.stringify({
      ref,
      before: '0'.repeat(40),
      after: sha,
      repository: { id: 1, full_name: path, default_branch: 'main' },
    }),
  )
  const { headers } = giteaDelivery({ secret, body })
  const response = await fetch(`${to.url}/webhooks/gitea`, { method: 'POST', headers, body })
  return { sha, status: response.status }
}

async function shown(sha: string): Promise<readonly string[]> {
  const response = await fetch(`${forge.url}/api/v1/repos/${path}/statuses/${sha}`, {
    headers: { authorization: `token ${token}` },
  })
  const statuses = (await response.json()) as GiteaStatus[]
  return statuses.toSorted((a, b) => a.id - b.id).map(({ status }) => status)
}

/** How many pods the cluster has run so far. */
let pods = 0

/** Has the pods of Jobs that come from now on do this. */
const play = (script: Script): void =>
  runner.byDefault((pod) => {
    pods += 1
    return script(pod)
  })

const succeeded = (sha: string): Promise<true> =>
  eventually(async () => (await shown(sha)).at(-1) === 'success', {
    within: 40_000,
    what: `${sha} is shown as success`,
  })

test('two receivers and two workers share the work: each push is built once and told once', async () => {
  play(succeeds)
  const receivers = await Promise.all([start('receiver'), start('receiver')])
  await Promise.all([start('worker'), start('worker')])
  const before = pods
  const pushes = []
  for (let n = 0; n < 20; n++) {
    const to = receivers[n % 2] as KanihookProcess
    pushes.push(await push(to, `shared/${n}`))
  }
  assert.deepEqual(new Set(pushes.map(({ status }) => status)), new Set([202]))
  await Promise.all(pushes.map(({ sha }) => succeeded(sha)))
  assert.equal(pods - before, 20)
  for (const { sha } of pushes) {
    const ends = (await shown(sha)).filter((state) => state !== 'pending')
    assert.deepEqual(ends, ['success'])
  }
})

test('a push that came while no worker ran is built when one comes', async () => {
  const receiver = await start('receiver')
  const { sha } = await push(receiver, 'patient')
  await start('worker')
  await succeeded(sha)
})

test('a worker that is killed leaves its builds to the other, which adopts their Jobs', async () => {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  play(async (pod) => {
    await held
    await succeeds(pod)
  })
  const receiver = await start('receiver')
  const first = await start('worker')
  const before = pods
  const { sha } = await push(receiver, 'adopted')
  await eventually(() => pods === before + 1)
  await start('worker')
  await first.kill('SIGKILL')
  release()
  await succeeded(sha)
  assert.equal(pods, before + 1)
  play(succeeds)
})

test('a scripted build is labelled as simulated where its log is read', async () => {
  const both = await start('receiver,worker')
  const { sha } = await push(both, 'labelled')
  await succeeded(sha)
  const { builds } = await both.api<{ builds: { id: string; sha: string }[] }>('/builds')
  const id = builds.find((build) => build.sha === sha)?.id
  const log = await eventually(async () => {
    const text = await (await fetch(`${both.adminUrl}/api/builds/${id}/log`)).text()
    return text !== '' && text
  })
  assert.match(log, /\[simulated\]/)
})
