import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { buildNamespace, createBuildNamespace, writeWorkerKubeconfig } from '../cluster/access.ts'
import { createAuthority, kubeconfig, type Certificate } from '../cluster/node/certificates.ts'
import { nodePaths } from '../cluster/node/configuration.ts'
import { startControlPlane } from '../cluster/node/control-plane.ts'
import { resolveOptions, type Ports } from '../cluster/options.ts'
import { flags } from '../cluster/support/command.ts'
import { createDaemons } from '../cluster/support/daemons.ts'
import { ensurePrograms } from '../cluster/support/programs.ts'
import type { Progress } from '../cluster/support/progress.ts'
import { ensureTool } from '../cluster/tools.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'

/** Kubernetes' own control plane on loopback, as any user's processes. Its nodes are played by kwok. */
export interface TestControlPlane {
  readonly namespace: string
  /** Of the administrator. */
  readonly config: KubeConfig
  /** Where the API server listens, on 127.0.0.1. */
  readonly port: number
  /** The nodes that are played, by their names. */
  readonly nodes: readonly string[]
  /** A kubeconfig with a worker's permissions that reaches the API server by another port. */
  workerKubeconfig(port: number): Promise<string>
  /** Where the nodes say that they serve the logs of their pods. */
  readonly kubelet: { readonly port: number; readonly certificate: Certificate }
  /** Stops the API server without its knowledge until the wait is over. */
  freeze(wait: () => Promise<void>): Promise<void>
  /** Kills the API server at once, and starts it again when the wait is over; resolves when it serves. */
  restart(wait: () => Promise<void>): Promise<void>
  addNode(name: string): Promise<void>
  stop(): Promise<void>
}

const apiServer = 'kube-apiserver'

/** Starts it; builds first what it is made of, where that was not built before. */
export async function startTestControlPlane(onProgress: Progress): Promise<TestControlPlane> {
  await ensurePrograms(['etcd', 'openssl'], onProgress)
  const kwok = await ensureTool('kwok', { onProgress })
  const stateDir = await mkdtemp(join(tmpdir(), 'kanihook-plane-'))
  const daemons = createDaemons(stateDir)
  const stop = async (): Promise<void> => {
    // etcd last: the others would say at length that it is gone.
    for (const name of daemons.names().toSorted().toReversed()) await daemons.stop(name)
    await rm(stateDir, { recursive: true, force: true })
  }
  try {
    const resolved = resolveOptions({ stateDir })
    const options = {
      ...resolved,
      addresses: { ...resolved.addresses, host: '127.0.0.1' },
      ports: await freePorts(resolved.ports),
    }
    const { ports } = options
    const server = `https://127.0.0.1:${ports.apiServer}`
    const paths = nodePaths(stateDir)
    const authority = await createAuthority(paths.pki)
    const admin = await authority.issue({
      name: 'admin',
      commonName: 'admin',
      organization: 'system:masters',
    })
    await writeFile(paths.adminKubeconfig, await kubeconfig(server, authority.cert, admin), {
      mode: 0o600,
    })
    const settings = { daemons, paths, options, authority, admin, server, onProgress }
    const { startApiServer } = await startControlPlane(settings)
    onProgress('starting kwok, which plays the nodes and their pods')
    const certificate = await authority.issue({
      name: 'kubelet',
      commonName: 'kubelet',
      alternativeNames: ['IP:127.0.0.1'],
    })
    daemons.start({
      name: 'kwok',
      command: kwok,
      args: flags({
        config: join(import.meta.dirname, 'kwok.yaml'),
        kubeconfig: paths.adminKubeconfig,
        'manage-all-nodes': 'true',
        'node-ip': '127.0.0.1',
        'node-port': ports.kubelet,
        'server-address': `127.0.0.1:${ports.kubeletHealth}`,
      }),
    })
    const config = new KubeConfig()
    config.loadFromFile(paths.adminKubeconfig)
    const core = config.makeApiClient(CoreV1Api)
    const addNode = async (name: string): Promise<void> => {
      const labels = { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' }
      const annotations = { 'kanihook.dev/simulated': 'true' }
      await core.createNode({ body: { metadata: { name, labels, annotations } } })
    }
    const nodes = ['simulated-1', 'simulated-2', 'simulated-3']
    for (const name of nodes) await addNode(name)
    await createBuildNamespace(paths.adminKubeconfig)
    await eventually(
      async () => {
        const { items } = await core.listNode()
        return items.every(({ spec, status }) => !spec?.taints && status?.phase === 'Running')
      },
      { what: 'the nodes are ready', within: 30_000 },
    )
    return {
      namespace: buildNamespace,
      config,
      port: ports.apiServer,
      nodes,
      kubelet: { port: ports.kubelet, certificate },
      addNode,
      stop,
      async workerKubeconfig(port) {
        const path = join(stateDir, 'worker.conf')
        await writeWorkerKubeconfig(paths.adminKubeconfig, path)
        const worker = new KubeConfig()
        worker.loadFromFile(path)
        const { clusters, users, contexts, currentContext } = worker
        const there = clusters.map((each) => ({ ...each, server: `https://127.0.0.1:${port}` }))
        worker.loadFromOptions({ clusters: there, users, contexts, currentContext })
        return worker.exportConfig()
      },
      async freeze(wait) {
        daemons.signal(apiServer, 'SIGSTOP')
        await wait()
        daemons.signal(apiServer, 'SIGCONT')
      },
      async restart(wait) {
        await daemons.stop(apiServer)
        await wait()
        await startApiServer()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function freePorts(names: Ports): Promise<Ports> {
  const taken = new Set<number>()
  const all = { ...names }
  for (const name of Object.keys(names) as (keyof Ports)[]) {
    do all[name] = await freePort()
    while (taken.has(all[name]))
    taken.add(all[name])
  }
  return all
}
