import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ForgeServer } from '../stand-ins/forge-server.ts'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { createGiteaStandIn } from '../stand-ins/gitea/stand-in.ts'
import { freePort } from '../support/free-port.ts'
import { startGitServer } from '../support/git-server.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import type { Progress } from '../cluster/support/progress.ts'
import { startTestControlPlane, type TestControlPlane } from './control-plane.ts'
import { isTerminal, type History, type Push, type Status } from './history.ts'
import { followPods, type PodPlan, type Pods } from './pods.ts'
import type { PlannedPush } from './schedule.ts'
import { startService, type Service } from './service.ts'
import { createSteps, type Steps } from './steps.ts'
import { startToxiproxy, type Line } from './toxiproxy.ts'

/** The repositories, and the images of each. */
export const images: ReadonlyMap<string, readonly string[]> = new Map([
  ['acme/shop', ['app', 'web']],
  ['acme/api', ['app']],
  ['acme/site', ['app']],
])

const configuration = `repositories:
  - match: "**/shop"
    branches: ["**"]
    images:
      - { name: app, destination: "registry.example.com/{owner}/{repo}-app" }
      - { name: web, destination: "registry.example.com/{owner}/{repo}-web" }
  - match: "**"
    branches: ["**"]
    images: [{ name: app, destination: "registry.example.com/{owner}/{repo}" }]
`

const token = 'token-of-the-forge'
const secret = 'a secret of the webhook'

/** As long as forges wait for an answer, in milliseconds. */
const deliveryTimeoutMs = 10_000

/** kanihook and all that it speaks to, on loopback, and what is seen of it there. */
export interface World {
  readonly redis: TestRedis
  readonly forge: ForgeServer
  readonly plane: TestControlPlane
  readonly pods: Pods
  /** From kanihook to Redis and to the API server. */
  readonly lines: { readonly redis: Line; readonly api: Line }
  /** What is seen of builds and deliveries while it happens. */
  readonly steps: Steps
  readonly receivers: readonly Service[]
  readonly workers: readonly Service[]
  /** Milliseconds since it began. */
  now(): number
  /** Commits to a branch. */
  push(planned: Omit<PlannedPush, 'at' | 'deliveredAt' | 'faults'>): Promise<Push>
  /** Posts the webhook of a push, once more if it was posted before. It never throws. */
  deliver(push: Push): Promise<void>
  history(): History
  /** Processes that ended though nobody ended them. */
  readonly crashes: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

export interface WorldOptions {
  /** How many there are of each role. */
  readonly processes: number
  /** A file for what they print. */
  readonly log: string | undefined
  readonly progress: Progress
}

/** Starts all of it. */
export async function startWorld({ processes, log, progress }: WorldOptions): Promise<World> {
  await using opened = new AsyncDisposableStack()
  const started = performance.now()
  const now = (): number => performance.now() - started
  const pushes: (Push & { deliveries: { at: number; status: number }[] })[] = []
  const statuses: Status[] = []
  const crashes: string[] = []
  const plans = new Map<string, PodPlan>()
  const steps = createSteps()

  // What was answered is on its disk: a restart loses nothing that kanihook was told is kept.
  const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
  opened.defer(() => redis.stop())
  const git = await startGitServer({ login: { username: 'kanihook', password: token } })
  opened.defer(() => git.stop())
  const forge = await createGiteaStandIn({
    repositories: [...images.keys()],
    tokens: [token],
    taken: (repository, sha, { status: state, context, description }) => {
      statuses.push({ repository, sha, context, state, description, at: now() })
      steps.tell(isTerminal({ state }) ? 'end told' : 'pending told')
    },
  })
  opened.defer(() => forge.close())
  const plane = await startTestControlPlane(progress)
  opened.defer(() => plane.stop())
  const pods = await followPods({ plane, plans, now, onStep: steps.tell })
  opened.defer(() => pods.stop())
  const toxiproxy = await startToxiproxy(progress)
  opened.defer(() => toxiproxy.stop())
  const lines = {
    redis: await toxiproxy.line('redis', Number(new URL(redis.url).port)),
    api: await toxiproxy.line('api', plane.port),
  }
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-faults-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'kanihook.yaml'), configuration)
  await writeFile(join(folder, 'kubeconfig'), await plane.workerKubeconfig(lines.api.port))

  const settings = {
    REDIS_URL: `redis://127.0.0.1:${lines.redis.port}`,
    KANIHOOK_CONFIG: join(folder, 'kanihook.yaml'),
    KUBECONFIG: join(folder, 'kubeconfig'),
    BUILD_NAMESPACE: plane.namespace,
    GITEA_URL: git.url,
    GITEA_API_URL: `${forge.url}/api/v1`,
    GITEA_TOKEN: token,
    GITEA_WEBHOOK_SECRETS: secret,
    PUBLIC_URL: 'https://hooks.example.com',
    HOST: '127.0.0.1',
    // What a killed worker was fetching goes with the run.
    TMPDIR: folder,
    // It would build what an accepted delivery left behind, and so hide that it was lost.
    SWEEP_INTERVAL: 'off',
  }
  const start = async (role: string, number: number, port: number): Promise<Service> => {
    const own = { ...settings, KANIHOOK_ROLES: role, PORT: `${port}` }
    const service = await startService({
      name: `${role} ${number}`,
      settings: own,
      crashed: (what) => crashes.push(what),
      printed: (lines) => {
        if (log !== undefined) appendFileSync(log, `${lines.join('\n')}\n`)
      },
    })
    opened.defer(() => service.stop())
    return service
  }
  // One after the other: two could be given the same port.
  const ports: number[] = []
  const receivers: Service[] = []
  const workers: Service[] = []
  for (let number = 0; number < processes; number++) {
    const port = await freePort()
    ports.push(port)
    receivers.push(await start('receiver', number, port))
    workers.push(await start('worker', number, 0))
  }

  let posted = 0
  const heads = new Map<string, string>()
  const befores = new Map<string, string>()
  const ids = new Map<string, string>()
  const resources = opened.move()

  return {
    redis,
    forge,
    plane,
    pods,
    lines,
    steps,
    receivers,
    workers,
    now,
    crashes,
    history: () => ({ images, pushes, statuses, jobs: pods.jobs }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),

    async push({ repository, branch, ends, buildMs }) {
      const ref = `refs/heads/${branch}`
      const content = { Dockerfile: 'FROM scratch', unique: randomUUID() }
      const sha = await git.commit(`${repository}.git`, content, { ref })
      const where = `${repository} ${ref}`
      befores.set(sha, heads.get(where) ?? '0'.repeat(40))
      heads.set(where, sha)
      ids.set(sha, randomUUID())
      plans.set(sha, { ends, buildMs })
      const push = { repository, ref, sha, at: now(), ends, deliveries: [] }
      pushes.push(push)
      return push
    },

    async deliver({ repository, ref, sha }) {
      const body = Buffer.from(
        JSON.stringify({
          ref,
          before: befores.get(sha),
          after: sha,
          repository: {
            id: [...images.keys()].indexOf(repository) + 1,
            full_name: repository,
            default_branch: 'main',
          },
        }),
      )
      const { headers } = giteaDelivery({ secret, body, id: ids.get(sha) ?? '' })
      const at = now()
      let status: number | 'refused' = 'refused'
      // The next one takes it where nobody listens, as behind a load balancer.
      for (let tried = 0; tried < ports.length && status === 'refused'; tried++) {
        const receiver = posted++ % ports.length
        status = await post(ports[receiver] ?? 0, headers, body)
        if (status === 202) steps.tell('accepted', receiver)
      }
      pushes
        .find((push) => push.sha === sha)
        ?.deliveries.push({ at, status: status === 'refused' ? 0 : status })
    },
  }
}

/** The status of the answer; 0: none came. */
async function post(
  port: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<number | 'refused'> {
  const signal = AbortSignal.timeout(deliveryTimeoutMs)
  const url = `http://127.0.0.1:${port}/webhooks/gitea`
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal })
    await response.text()
    return response.status
  } catch (error) {
    return (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED' ? 'refused' : 0
  }
}
