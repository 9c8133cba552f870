import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { giteaDelivery } from '../../stand-ins/gitea/delivery.ts'
import { createGiteaStandIn } from '../../stand-ins/gitea/stand-in.ts'
import {
  createScriptedRunner,
  startKubernetes,
  type Kubernetes,
  type ScriptedRunner,
} from '../../stand-ins/kubernetes/index.ts'
import { eventually } from '../../support/eventually.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { startKanihook, type KanihookProcess } from '../../support/kanihook-process.ts'
import { startRedis } from '../../support/redis.ts'
import { runCommand } from '../../support/run-kanihook.ts'

export const adminToken = 'canary-admin-token-5c5c'
export const forgeToken = 'canary-token-of-the-forge'
export const path = 'acme/app'

const secret = 'canary-secret-of-the-webhook'

export interface ApiBuild {
  readonly id: string
  readonly image: string
  readonly ref: string
  readonly sha: string
  readonly state: string
  readonly cause: string
}

/** A kanihook as its operators have it: a real process on a real Redis and git, and stand-ins for the rest. */
export interface Installation {
  readonly kanihook: KanihookProcess
  readonly git: GitServer
  readonly cluster: Kubernetes
  readonly runner: ScriptedRunner
  /** The environment that `kanihook serve` runs with. */
  readonly settings: Readonly<Record<string, string>>
  /** What a person has who asks it. */
  readonly client: Readonly<Record<string, string>>
  /** Runs a command of such a person. No secret may be in what it prints. */
  run(...args: readonly string[]): ReturnType<typeof runCommand>
  /** Commits to a branch, posts the webhook of that push, and returns the build of this image. */
  push(branch: string, image?: string, files?: Readonly<Record<string, string>>): Promise<ApiBuild>
  build(id: string): Promise<ApiBuild>
  /** Waits until a build is in a state. */
  reaches(id: string, state: string): Promise<ApiBuild>
  close(): Promise<void>
}

/** `repositories`: the entries of kanihook.yaml. `own`: settings beside the usual ones. */
export async function install(
  repositories: string,
  own: Readonly<Record<string, string>> = {},
): Promise<Installation> {
  await using opened = new AsyncDisposableStack()
  const redis = await startRedis()
  opened.defer(() => redis.stop())
  const git = await startGitServer({ login: { username: 'kanihook', password: forgeToken } })
  opened.defer(() => git.stop())
  const forge = await createGiteaStandIn({ repositories: [path], tokens: [forgeToken] })
  opened.defer(() => forge.close())
  const runner = createScriptedRunner()
  const cluster = await startKubernetes({
    runner: runner.run,
    namespaces: ['kanihook-builds', 'acme-builds'],
  })
  opened.defer(() => cluster.stop())
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-cli-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'kanihook.yaml')
  await writeFile(config, repositories)
  await writeFile(join(folder, 'kubeconfig'), cluster.kubeConfigYaml())
  const settings = {
    REDIS_URL: redis.url,
    KANIHOOK_CONFIG: config,
    KUBECONFIG: join(folder, 'kubeconfig'),
    GITEA_URL: git.url,
    GITEA_API_URL: `${forge.url}/api/v1`,
    GITEA_TOKEN: forgeToken,
    GITEA_WEBHOOK_SECRETS: secret,
    PUBLIC_URL: 'https://hooks.example.com',
    ADMIN_TOKENS: `${adminToken},another-admin-token`,
    ...own,
  }
  const kanihook = await startKanihook(settings)
  opened.defer(() => kanihook.kill())
  const client = { KANIHOOK_URL: kanihook.adminUrl, KANIHOOK_TOKEN: adminToken }
  const headers = { authorization: `Bearer ${adminToken}` }

  async function run(...args: readonly string[]) {
    const ran = await runCommand(args, client)
    if (/canary/.test(`${ran.out}${ran.err}`)) throw new Error('a secret is shown')
    return ran
  }

  const build = (id: string): Promise<ApiBuild> => kanihook.api(`/builds/${id}`, { headers })

  const running = opened.move()
  return {
    kanihook,
    git,
    cluster,
    runner,
    settings,
    client,
    run,
    build,
    async push(branch, image = 'app', files = {}) {
      const ref = `refs/heads/${branch}`
      const sha = await git.commit(
        `${path}.git`,
        { Dockerfile: 'FROM scratch', branch, ...files },
        { ref },
      )
      const body = Buffer.from(
        JSON.stringify({
          ref,
          before: '0'.repeat(40),
          after: sha,
          repository: { id: 1, full_name: path, default_branch: 'main' },
        }),
      )
      const delivery = giteaDelivery({ secret, body })
      await fetch(`${kanihook.url}/webhooks/gitea`, {
        method: 'POST',
        headers: delivery.headers,
        body,
      })
      return eventually(
        async () => {
          const { builds } = await kanihook.api<{ builds: ApiBuild[] }>('/builds', { headers })
          return builds.find((each) => each.sha === sha && each.image === image)
        },
        { what: `${branch} is planned` },
      )
    },
    reaches: (id, state) =>
      eventually(
        async () => {
          const found = await build(id)
          return found.state === state ? found : undefined
        },
        { within: 20_000, what: `build ${id} is ${state}` },
      ),
    close: () => running.disposeAsync(),
  }
}
