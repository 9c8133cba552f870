import { join } from 'node:path'
import {
  buildNamespace,
  createBuildNamespace,
  hasReadyNode,
  writeWorkerKubeconfig,
} from './access.ts'
import { chooseProvider, createProvider } from './choose-provider.ts'
import { startGitea } from './gitea.ts'
import { baseImage } from './images.ts'
import { resolveOptions, type ClusterOptions, type ResolvedOptions } from './options.ts'
import type { Provider, ProviderContext } from './provider.ts'
import { pushArchive, startRegistry } from './registry.ts'
import { createState } from './state.ts'
import { createDaemons } from './support/daemons.ts'
import { withLock } from './support/lock.ts'
import { refusePortsInUse } from './support/ports.ts'
import { ensurePrograms } from './support/programs.ts'
import { silent, type Progress } from './support/progress.ts'
import { all } from './support/wait-until.ts'
import type { TestCluster } from './test-cluster.ts'
import { ensureTool } from './tools.ts'

export type { TestCluster } from './test-cluster.ts'

export interface ClusterCall extends ClusterOptions {
  readonly onProgress?: Progress
}

/** Brings the cluster up, unless it is: one that is up in part only is taken down first. */
export async function upCluster(call: ClusterCall = {}): Promise<TestCluster> {
  if (process.platform !== 'linux') {
    throw new Error('the test cluster needs Linux: run it in a virtual machine or on a server')
  }
  return await exclusively(call, async (options, onProgress) => {
    const running = await loadRunning(options.stateDir)
    if (running) {
      onProgress('the cluster is up already')
      await writeWorkerKubeconfig(running.kubeconfig, running.workerKubeconfig)
      return running
    }
    await down(options.stateDir, onProgress)
    return await up(options, onProgress)
  })
}

/** Takes the cluster down and removes its state; nothing happens where there is none. */
export async function downCluster(call: ClusterCall = {}): Promise<void> {
  await exclusively(call, async ({ stateDir }, onProgress) => await down(stateDir, onProgress))
}

/** The cluster that is up, as `upCluster` returned it; `undefined` when none is, or not wholly. */
export async function loadCluster(options: ClusterOptions = {}): Promise<TestCluster | undefined> {
  return await loadRunning(resolveOptions(options).stateDir)
}

/** Whether each process that was started still runs, by name; empty when none was started. */
export function processStates(options: ClusterOptions = {}): Record<string, boolean> {
  const daemons = createDaemons(resolveOptions(options).stateDir)
  return Object.fromEntries(daemons.names().map((name) => [name, daemons.isRunning(name)]))
}

async function exclusively<T>(
  call: ClusterCall,
  work: (options: ResolvedOptions, onProgress: Progress) => Promise<T>,
): Promise<T> {
  const { onProgress = silent } = call
  const options = resolveOptions(call)
  const wait = () => onProgress('waiting for another run that brings this cluster up or down')
  return await withLock(options.stateDir, async () => await work(options, onProgress), wait)
}

async function up(options: ResolvedOptions, onProgress: Progress): Promise<TestCluster> {
  const record = await chooseProvider(options)
  const context = { options, daemons: createDaemons(options.stateDir), onProgress }
  const provider = createProvider(record, context)
  await ensurePrograms(
    [...provider.programs, ...(['docker-registry', 'htpasswd', 'skopeo', 'ssh'] as const)],
    onProgress,
  )
  for (const tool of [...provider.tools, 'gitea' as const]) await ensureTool(tool, { onProgress })
  await refusePortsInUse(Object.values(options.ports))
  const state = createState(options.stateDir)
  await state.create(record)
  try {
    const cluster = { provider: record.provider, ...(await bringUp(provider, context)) }
    await state.saveCluster(cluster)
    return cluster
  } catch (error) {
    await down(options.stateDir, onProgress)
    throw error
  }
}

async function bringUp(provider: Provider, context: ProviderContext) {
  const { options, daemons, onProgress } = context
  const { stateDir, ports } = options
  const { kubeconfig } = provider
  const workerKubeconfig = join(stateDir, 'worker.conf')
  const address = await provider.prepare()

  const startNodes = async () => {
    await provider.start()
    await createBuildNamespace(kubeconfig)
    await writeWorkerKubeconfig(kubeconfig, workerKubeconfig)
  }
  const provideRegistry = async () => {
    onProgress('starting the registry')
    const registry = await startRegistry(daemons, { address, port: ports.registry })
    const base = await pushArchive(daemons, registry, await baseImage(), 'library/base:1')
    onProgress('the registry is ready')
    return { registry, baseImage: base }
  }
  const provideGitea = async () => {
    onProgress('starting Gitea')
    const gitea = await startGitea(daemons, {
      address,
      port: ports.gitea,
      sshPort: ports.giteaSsh,
    })
    onProgress('Gitea is ready')
    return gitea
  }
  const [, images, registry, gitea] = await all([
    startNodes(),
    provider.provideImages(),
    provideRegistry(),
    provideGitea(),
  ])
  return {
    stateDir,
    kubeconfig,
    workerKubeconfig,
    namespace: buildNamespace,
    hostAddress: address,
    ...registry,
    ...images,
    gitea,
  }
}

async function down(stateDir: string, onProgress: Progress): Promise<void> {
  const state = createState(stateDir)
  const record = state.record()
  if (!record) return
  onProgress(`taking down the cluster in ${stateDir}`)
  // by the options that it was brought up with, whatever they are now
  const context = { options: record.options, daemons: createDaemons(stateDir), onProgress }
  await createProvider(record, context).stop()
  await state.remove()
}

async function loadRunning(stateDir: string): Promise<TestCluster | undefined> {
  const cluster = createState(stateDir).cluster()
  if (!cluster || Object.values(processStates({ stateDir })).includes(false)) return undefined
  return (await hasReadyNode(cluster.kubeconfig).catch(() => false)) ? cluster : undefined
}
