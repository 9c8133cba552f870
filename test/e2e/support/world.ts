import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchV1Api, CoreV1Api, KubeConfig, type V1Job, type V1Pod } from '@kubernetes/client-node'
import { loadCluster, type TestCluster } from '../../cluster/cluster.ts'
import { dockerConfig } from '../../cluster/registry.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { createImageReader } from './image.ts'
import { startKanihook, type KanihookProcess } from '../../support/kanihook-process.ts'
import { createRepository, type GiteaStatus, type TestRepository } from './repository.ts'

/** The real cluster, registry and Gitea with a Redis and a kanihook of the test's own. */
export interface World {
  readonly cluster: TestCluster
  readonly redis: TestRedis
  readonly image: ReturnType<typeof createImageReader>
  /** The secret of every webhook. */
  readonly webhookSecret: string
  /** `host:port` of Gitea, as kanihook.yaml matches it. */
  readonly forgeHost: string
  /** The environment that kanihook runs with. */
  readonly settings: Readonly<Record<string, string>>
  kanihook: KanihookProcess
  /** Starts kanihook again on the same Redis and port. */
  restart(): Promise<void>
  /** A new private repository, unless `public`; `hook: false`: Gitea tells nobody of its pushes. */
  repository(name: string, options?: { hook: boolean; public?: boolean }): Promise<TestRepository>
  jobs(): Promise<V1Job[]>
  pods(): Promise<V1Pod[]>
  /** Waits for the end of a commit's status (of a context, where several are there). */
  ended(
    repository: TestRepository,
    sha: string,
    context?: string,
    withinMs?: number,
  ): Promise<GiteaStatus>
  close(): Promise<void>
}

export interface WorldOptions {
  /** What kanihook.yaml says beside the registry and the default push secret. */
  readonly repositories: (world: { registry: string; forgeHost: string }) => string
  /** Entries of `registries` beside the test's own. */
  readonly registries?: (world: { registry: string }) => readonly string[]
  /** Settings beside those of Gitea, Redis and the cluster. */
  readonly settings?: (world: {
    cluster: TestCluster
    webhookSecret: string
  }) => Record<string, string>
}

/** Names of Secrets in the build namespace: a right and a wrong login for the registry. */
export const rightLogin = 'registry-credentials'
export const wrongLogin = 'registry-wrong'

/** How long a build on the real cluster may take before a test gives up, in milliseconds. */
const patience = 120_000

export async function createWorld(options: WorldOptions): Promise<World> {
  const cluster = await runningCluster()
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(cluster.kubeconfig)
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const batch = kubeConfig.makeApiClient(BatchV1Api)
  await createLogins(core, cluster)

  const redis = await startRedis()
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-e2e-'))
  const webhookSecret = randomBytes(24).toString('hex')
  const forgeHost = new URL(cluster.gitea.url).host
  const config = join(folder, 'kanihook.yaml')
  await writeFile(config, configuration(options, cluster, forgeHost))

  const port = await freePort('0.0.0.0')
  const publicUrl = `http://${cluster.hostAddress}:${port}`
  const settings = {
    PORT: `${port}`,
    PUBLIC_URL: publicUrl,
    REDIS_URL: redis.url,
    KANIHOOK_CONFIG: config,
    KUBECONFIG: cluster.workerKubeconfig,
    BUILD_NAMESPACE: cluster.namespace,
    KANIKO_IMAGE: cluster.kanikoImage,
    CLONE_IMAGE: cluster.cloneImage,
    PUBLISH_IMAGE: cluster.publishImage,
    GITEA_URL: cluster.gitea.url,
    GITEA_WEBHOOK_SECRETS: webhookSecret,
    GITEA_TOKEN: cluster.gitea.token,
    ...options.settings?.({ cluster, webhookSecret }),
  }
  const repositories: TestRepository[] = []
  const world: World = {
    cluster,
    redis,
    webhookSecret,
    forgeHost,
    settings,
    image: createImageReader(cluster.registry),
    kanihook: await startKanihook(settings),
    async restart() {
      world.kanihook = await startKanihook(settings)
    },
    async repository(name, { hook, public: open = false } = { hook: true }) {
      const webhook = { url: `${publicUrl}/webhooks/gitea`, secret: webhookSecret }
      const unique = `${name}-${randomBytes(3).toString('hex')}`
      const repository = await createRepository({
        cluster,
        name: unique,
        public: open,
        ...(hook ? { webhook } : {}),
      })
      repositories.push(repository)
      return repository
    },
    jobs: async () => (await batch.listNamespacedJob({ namespace: cluster.namespace })).items,
    pods: async () => (await core.listNamespacedPod({ namespace: cluster.namespace })).items,
    ended: (repository, sha, context = 'kanihook/app', withinMs = patience) =>
      eventually(
        async () => {
          const statuses = await repository.statuses(sha)
          const last = statuses.findLast((status) => status.context === context)
          return last && last.status !== 'pending' ? last : undefined
        },
        { within: withinMs, every: 100, what: `status ${context} of ${repository.path} ends` },
      ),
    async close() {
      await world.kanihook.kill()
      await redis.stop()
      await Promise.all(repositories.map((repository) => repository.remove()))
      await rm(folder, { recursive: true, force: true })
      const { namespace } = cluster
      await batch.deleteCollectionNamespacedJob({ namespace, propagationPolicy: 'Background' })
    },
  }
  return world
}

function configuration(
  { repositories, registries = () => [] }: WorldOptions,
  cluster: TestCluster,
  forgeHost: string,
): string {
  const registry = cluster.registry.host
  return `
defaults:
  pushSecret: ${rightLogin}
registries:
${[`{ host: "${registry}", insecure: true }`, ...registries({ registry })].map((entry) => `  - ${entry}`).join('\n')}
repositories:
${repositories({ registry, forgeHost })}`
}

/** The cluster that `npm run cluster up` brought up, or the one whose state directory $TEST_CLUSTER names. */
export async function runningCluster(): Promise<TestCluster> {
  const stateDir = process.env['TEST_CLUSTER']
  const cluster = await loadCluster(stateDir ? { stateDir } : {})
  if (!cluster) throw new Error('no test cluster is up: run `npm run cluster up` first')
  return cluster
}

async function createLogins(core: CoreV1Api, { namespace, registry }: TestCluster): Promise<void> {
  for (const [name, password] of [
    [rightLogin, registry.password],
    [wrongLogin, 'not-the-password'],
  ] as const) {
    const config = dockerConfig({ ...registry, password })
    await core.deleteNamespacedSecret({ name, namespace }).catch(() => undefined)
    await core.createNamespacedSecret({
      namespace,
      body: {
        metadata: { name },
        type: 'kubernetes.io/dockerconfigjson',
        stringData: { '.dockerconfigjson': config },
      },
    })
  }
}
