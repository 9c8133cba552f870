import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { freePort } from '../support/free-port.ts'
import { allowTaskRuns } from './access.ts'
import { createApiServer, type ApiServer } from './api-server.ts'
import {
  definitionsPath,
  ensureDefinition,
  unconverted,
  type Definition,
} from './custom-resources.ts'
import { tektonImage } from './images.ts'
import { dockerConfig, pushArchive } from './registry.ts'
import { createDaemons } from './support/daemons.ts'
import { silent, type Progress } from './support/progress.ts'
import { waitUntil } from './support/wait-until.ts'
import type { TestCluster } from './test-cluster.ts'
import { ensureTool } from './tools.ts'

export interface Tekton {
  /** Ends the controller and removes all that was made for it, with every TaskRun. */
  stop(): Promise<void>
}

const daemon = 'tekton'
const namespace = 'tekton-pipelines'
const pullSecret = 'tekton-images'

/** What the controller reads its settings from; without any, it has Tekton's own defaults. */
const configMaps = [
  'feature-flags',
  'config-defaults',
  'config-events',
  'config-observability',
  'config-spire',
  'config-tracing',
  'config-wait-exponential-backoff',
]

/**
 * Gives a test cluster a real Tekton for a while: the project's definitions, and its controller as a
 * process of this machine. There is no admission webhook: the controller fills in the defaults and
 * validates by itself. A cluster of one's own that has Tekton keeps it.
 */
export async function startTekton(
  cluster: TestCluster,
  {
    onProgress = silent,
    featureFlags = {},
  }: {
    readonly onProgress?: Progress
    /** Tekton's own, where they are not its defaults. */
    readonly featureFlags?: Readonly<Record<string, string>>
  } = {},
): Promise<Tekton> {
  const api = createApiServer(cluster.kubeconfig)
  const forbid = await allowTaskRuns(cluster.kubeconfig)
  if (cluster.provider === 'existing' && (await isServed(api))) return { stop: forbid }
  const controller = await ensureTool('tekton', { onProgress })
  const programs = dirname(controller)
  const daemons = createDaemons(cluster.stateDir)
  const archive = await tektonImage(programs)
  const image = await pushArchive(daemons, cluster.registry, archive, 'tekton/parts:1')
  // One that an interrupted run has left.
  await daemons.stop(daemon)
  const definitions = await readDefinitions(join(programs, 'config', '300-crds'))
  for (const definition of definitions) await ensureDefinition(api, definition)
  await makeSettings(api, cluster, featureFlags)
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  daemons.start({
    name: daemon,
    command: controller,
    args: ['-disable-ha', ...imageFlags(image)],
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: cluster.kubeconfig,
      SYSTEM_NAMESPACE: namespace,
      PROBES_PORT: `${ports[0]}`,
      PROFILING_PORT: `${ports[1]}`,
      METRICS_PROMETHEUS_PORT: `${ports[2]}`,
    },
  })
  await daemons.waitFor(daemon, async () => {
    return (await fetch(`http://127.0.0.1:${ports[0]}/readiness`)).ok
  })

  return {
    async stop() {
      for (const { metadata } of definitions) {
        await api.call('DELETE', `${definitionsPath}/${metadata.name}`)
      }
      await daemons.stop(daemon)
      await forbid()
      await api.call('DELETE', `/api/v1/namespaces/${namespace}`)
      await api.call('DELETE', `/api/v1/namespaces/${cluster.namespace}/secrets/${pullSecret}`)
      // The next one would be made into a namespace that still ends.
      await waitUntil('the end of Tekton', async () => {
        const { status } = await api.call('GET', `/api/v1/namespaces/${namespace}`)
        return status === 404 && !(await isServed(api))
      })
    },
  }
}

const isServed = async (api: ApiServer): Promise<boolean> =>
  (await api.call('GET', '/apis/tekton.dev/v1')).status === 200

const imageFlags = (image: string): string[] =>
  [
    'entrypoint-image',
    'nop-image',
    'sidecarlogresults-image',
    'workingdirinit-image',
    'shell-image',
    'shell-image-win',
  ].flatMap((name) => [`-${name}`, image])

async function readDefinitions(folder: string): Promise<Definition[]> {
  const files = await readdir(folder)
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return texts.map((text) => unconverted(parse(text) as Definition))
}

/** The config maps, and the login by which every pod of a TaskRun pulls Tekton's image. */
async function makeSettings(
  api: ApiServer,
  cluster: TestCluster,
  featureFlags: Readonly<Record<string, string>>,
): Promise<void> {
  await make(api, '/api/v1/namespaces', { metadata: { name: namespace } })
  const template = JSON.stringify({ imagePullSecrets: [{ name: pullSecret }] })
  const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'config-defaults': { 'default-pod-template': template },
    'feature-flags': featureFlags,
  }
  for (const name of configMaps) {
    const body = { metadata: { name }, data: settings[name] ?? {} }
    await make(api, `/api/v1/namespaces/${namespace}/configmaps`, body)
  }
  await make(api, `/api/v1/namespaces/${cluster.namespace}/secrets`, {
    metadata: { name: pullSecret },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': dockerConfig(cluster.registry) },
  })
}

async function make(api: ApiServer, path: string, body: object): Promise<void> {
  await waitUntil(`a place in ${path}`, async () => {
    const { status, message } = await api.call('POST', path, body)
    if (status === 201 || (status === 409 && /already exists/.test(message))) return true
    throw new Error(message)
  })
}
