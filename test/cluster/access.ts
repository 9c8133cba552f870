import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  type KubernetesObject,
  type V1Namespace,
} from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import { waitUntil } from './support/wait-until.ts'

export const buildNamespace = 'kanihook-builds'
const workerAccount = 'kanihook-worker'
const madeHere = 'kanihook-test-cluster'

/** The namespace of the builds, with the worker's account and permissions in it. */
export async function createBuildNamespace(adminKubeconfig: string): Promise<void> {
  const config = load(adminKubeconfig)
  const core = config.makeApiClient(CoreV1Api)
  const { items } = await core.listNamespace()
  if (items.some((item) => item.metadata?.name === buildNamespace && !isMadeHere(item))) {
    throw new Error(`the cluster has a namespace ${buildNamespace} already, which is not of a test`)
  }
  for (const file of ['namespace.yaml', 'worker.yaml']) await applyManifests(config, file)
  await waitUntil('the default service account, without which no pod is created', async () => {
    await core.readNamespacedServiceAccount({ name: 'default', namespace: buildNamespace })
    return true
  })
}

/** Removes the namespace if it was made here. */
export async function removeBuildNamespace(adminKubeconfig: string): Promise<void> {
  const core = load(adminKubeconfig).makeApiClient(CoreV1Api)
  const { items } = await core.listNamespace()
  if (items.some((item) => item.metadata?.name === buildNamespace && isMadeHere(item))) {
    await core.deleteNamespace({ name: buildNamespace })
  }
}

/** Writes a kubeconfig with the worker's permissions; its token holds for a day. */
export async function writeWorkerKubeconfig(adminKubeconfig: string, path: string): Promise<void> {
  const config = load(adminKubeconfig)
  const { status } = await config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    name: workerAccount,
    namespace: buildNamespace,
    body: { spec: { audiences: [], expirationSeconds: 24 * 60 * 60 } },
  })
  const cluster = config.getCurrentCluster()
  if (!cluster || !status?.token) throw new Error(`${adminKubeconfig}: no token for the worker`)
  const worker = new KubeConfig()
  worker.loadFromClusterAndUser(cluster, { name: workerAccount, token: status.token })
  await writeFile(path, worker.exportConfig(), { mode: 0o600 })
}

/** Whether a node is ready; throws while the API server does not answer. */
export async function hasReadyNode(adminKubeconfig: string): Promise<boolean> {
  const { items } = await load(adminKubeconfig).makeApiClient(CoreV1Api).listNode()
  return items.some(({ status }) =>
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
  )
}

function isMadeHere({ metadata }: V1Namespace): boolean {
  return metadata?.labels?.['app.kubernetes.io/managed-by'] === madeHere
}

function load(path: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromFile(path)
  return config
}

/** Lets the worker make TaskRuns, too. Returns what takes that back. */
export async function allowTaskRuns(adminKubeconfig: string): Promise<() => Promise<void>> {
  const config = load(adminKubeconfig)
  await applyManifests(config, 'worker-tekton.yaml')
  return async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    for (const object of await readManifests('worker-tekton.yaml')) await objects.delete(object)
  }
}

async function applyManifests(config: KubeConfig, file: string): Promise<void> {
  const objects = KubernetesObjectApi.makeApiClient(config)
  for (const object of await readManifests(file)) {
    const apply = PatchStrategy.ServerSideApply
    await objects.patch(object, undefined, undefined, madeHere, true, apply)
  }
}

async function readManifests(file: string) {
  const text = await readFile(join(import.meta.dirname, 'manifests', file), 'utf8')
  return parseAllDocuments(text).map((document) => document.toJS() as ManifestObject)
}

type ManifestObject = KubernetesObject & { metadata: { name: string } }
