import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppsV1Api, BatchV1Api, CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node'
import { orAbsent } from '../../../src/cluster/api-call.ts'
import { chartFolder } from '../../chart/render.ts'
import { redisImage } from '../../cluster/images.ts'
import { dockerConfig, pushArchive } from '../../cluster/registry.ts'
import { run } from '../../cluster/support/command.ts'
import { createDaemons } from '../../cluster/support/daemons.ts'
import type { TestCluster } from '../../cluster/test-cluster.ts'
import { ensureTool } from '../../cluster/tools.ts'
import { eventually } from '../../support/eventually.ts'
import { execInPod } from './exec-in-pod.ts'
import { removeNamespaces } from './namespaces.ts'
import { ownImage } from './own-image.ts'
import { createRepository, type GiteaStatus, type TestRepository } from './repository.ts'
import { runningCluster } from './world.ts'

export const release = 'kanihook'
export const namespace = 'kanihook-installed'
export const buildNamespace = 'kanihook-installed-builds'
export const adminToken = randomBytes(16).toString('hex')
const volume = 'kanihook-installed-redis'
const pullSecret = 'registry-login'

/** kanihook in the test cluster, installed by Helm from the project's own image, with its own Redis. */
export interface Installation {
  readonly cluster: TestCluster
  readonly webhookSecret: string
  readonly core: CoreV1Api
  readonly apps: AppsV1Api
  readonly batch: BatchV1Api
  readonly kubeConfig: KubeConfig
  /** Where the Service answers: its cluster address. */
  url(): Promise<string>
  uninstall(): Promise<void>
  /** `helm upgrade` with more arguments; waits until the new pods are ready. */
  upgrade(...args: readonly string[]): Promise<void>
  /** A private repository whose webhook is the Service's. */
  repository(name: string): Promise<TestRepository>
  /** kanihook's own pods of a component that are not on their way out. */
  pods(component: 'receiver' | 'worker' | 'redis'): Promise<V1Pod[]>
  /** Runs a command in the first pod of the component. */
  exec(
    component: 'receiver' | 'worker' | 'redis',
    command: readonly string[],
  ): Promise<{ code: number; out: string }>
  /** Waits for the end of the status `kanihook/app`. */
  ended(repository: TestRepository, sha: string): Promise<GiteaStatus>
  api<T>(path: string): Promise<T>
  /** Ends the release, unless it has ended, and removes what the test made beside it. */
  close(): Promise<void>
}

export async function install(): Promise<Installation> {
  const cluster = await runningCluster()
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(cluster.kubeconfig)
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const batch = kubeConfig.makeApiClient(BatchV1Api)
  const apps = kubeConfig.makeApiClient(AppsV1Api)
  const own = await ownImage()
  const redis = await pushArchive(
    createDaemons(cluster.stateDir),
    cluster.registry,
    await redisImage(),
    'library/valkey:test',
  )
  const webhookSecret = randomBytes(16).toString('hex')
  const home = await mkdtemp(join(tmpdir(), 'kanihook-helm-'))
  const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: cluster.kubeconfig }
  const executable = await ensureTool('helm')
  const helm = (args: readonly string[], input?: string): Promise<string> =>
    run(executable, [...args, '--namespace', namespace], {
      env,
      ...(input === undefined ? {} : { input }),
    })

  const values = usual({ cluster, image: own.reference, redis, webhookSecret })
  const repositories: TestRepository[] = []
  let uninstalled = false

  const cleanUp = async (): Promise<void> => {
    if (!uninstalled) await helm(['uninstall', release, '--ignore-not-found', '--wait'])
    await Promise.all(repositories.map((repository) => repository.remove()))
    await orAbsent(core.deletePersistentVolume({ name: volume }))
    await removeNamespaces(core, [namespace, buildNamespace])
    await rm(home, { recursive: true, force: true })
  }
  try {
    await prepareNamespace(core, cluster)
    await helm(
      ['install', release, chartFolder, '--values', '-', '--wait', '--timeout', '3m'],
      JSON.stringify(values),
    )
  } catch (error) {
    await cleanUp()
    throw error
  }

  const installation: Installation = {
    cluster,
    webhookSecret,
    core,
    apps,
    batch,
    kubeConfig,
    async url() {
      const service = await core.readNamespacedService({ name: release, namespace })
      return `http://${service.spec?.clusterIP}`
    },
    async uninstall() {
      await helm(['uninstall', release, '--wait', '--timeout', '2m'])
      uninstalled = true
    },
    async upgrade(...more) {
      const args = ['upgrade', release, chartFolder, '--values', '-', '--wait', '--timeout', '3m']
      await helm([...args, ...more], JSON.stringify(values))
    },
    async repository(name) {
      const repository = await createRepository({
        cluster,
        name: `${name}-${randomBytes(3).toString('hex')}`,
        webhook: { url: `${await installation.url()}/webhooks/gitea`, secret: webhookSecret },
      })
      repositories.push(repository)
      return repository
    },
    async pods(component) {
      const labelSelector = `app.kubernetes.io/instance=${release},app.kubernetes.io/component=${component}`
      const { items } = await core.listNamespacedPod({ namespace, labelSelector })
      return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    },
    async exec(component, command) {
      const [pod] = await installation.pods(component)
      const name = pod?.metadata?.name ?? ''
      return execInPod(kubeConfig, { namespace, name, container: 'kanihook', command })
    },
    ended: (repository, sha) =>
      eventually(
        async () => {
          const last = (await repository.statuses(sha)).at(-1)
          return last && last.status !== 'pending' ? last : undefined
        },
        { within: 150_000, every: 200, what: `the status of ${repository.path} ends` },
      ),
    async api<T>(path: string) {
      const { spec } = await core.readNamespacedService({ name: `${release}-admin`, namespace })
      const response = await fetch(`http://${spec?.clusterIP}:9090/api${path}`, {
        headers: { authorization: `Bearer ${adminToken}` },
      })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    close: cleanUp,
  }
  return installation
}

function usual(given: {
  cluster: TestCluster
  image: string
  redis: string
  webhookSecret: string
}) {
  const { cluster, image, redis, webhookSecret } = given
  const { registry, gitea } = cluster
  const at = image.lastIndexOf(':')
  const forge = new URL(gitea.url).host
  const machine = { ipBlock: { cidr: `${cluster.hostAddress}/32` } }
  return {
    image: { repository: image.slice(0, at), tag: image.slice(at + 1) },
    imagePullSecrets: [{ name: pullSecret }],
    publicUrl: `http://${release}.${namespace}.svc`,
    config: {
      defaults: { pushSecret: 'registry-credentials' },
      registries: [{ host: registry.host, insecure: true }],
      repositories: [
        {
          match: `${forge}/${gitea.username}/*`,
          images: [{ name: 'app', destination: `${registry.host}/installed/{repo}` }],
        },
      ],
      uploads: [{ name: 'shop', destination: `${registry.host}/uploaded/shop` }],
    },
    uploads: { enabled: true },
    worker: { livenessProbe: { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2 } },
    settings: {
      kanikoImage: cluster.kanikoImage,
      cloneImage: cluster.cloneImage,
      publishImage: cluster.publishImage,
    },
    forges: {
      gitea: {
        url: gitea.url,
        webhookSecrets: { value: webhookSecret },
        token: { value: gitea.token },
      },
    },
    adminTokens: { value: adminToken },
    redis: {
      bundled: {
        enabled: true,
        image: redis,
        command: ['redis-server'],
        persistence: { storageClassName: volume },
      },
    },
    networkPolicy: {
      // the tests ask the API from this machine
      metrics: { from: [machine] },
      // which is where the API server is too, to which builds may not go
      builds: { extraEgress: [{ to: [machine], ports: [portOf(registry.host), portOf(forge)] }] },
    },
    buildNamespace: { name: buildNamespace },
    registryCredentials: {
      registry: registry.host,
      username: registry.username,
      password: registry.password,
    },
  }
}

const portOf = (host: string) => ({ protocol: 'TCP', port: Number(host.split(':')[1]) })

/** What an administrator prepares: a namespace with the strictest rules, a login, a disk. */
async function prepareNamespace(core: CoreV1Api, cluster: TestCluster): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await core.createNamespace({ body: { metadata: { name: namespace, labels } } })
  await core.createNamespacedSecret({
    namespace,
    body: {
      metadata: { name: pullSecret },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': dockerConfig(cluster.registry) },
    },
  })
  const path = join(cluster.stateDir, volume)
  await rm(path, { recursive: true, force: true })
  await mkdir(path)
  await chmod(path, 0o777)
  await core.createPersistentVolume({
    body: {
      metadata: { name: volume },
      spec: {
        capacity: { storage: '2Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: volume,
        hostPath: { path },
      },
    },
  })
}
