import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { baseImage } from '../../test/cluster/images.ts'
import { pushArchive, startRegistry, type Registry } from '../../test/cluster/registry.ts'
import { createDaemons } from '../../test/cluster/support/daemons.ts'
import type { Progress } from '../../test/cluster/support/progress.ts'
import {
  createProcessRunner,
  startKubernetes,
  type PodRunner,
} from '../../test/stand-ins/kubernetes/index.ts'
import { freePort } from '../../test/support/free-port.ts'
import type { Cleanup } from '../cleanup.ts'
import { provideExecutor } from '../executor.ts'
import { startLocalForge } from '../forge/local-forge.ts'
import { simulatedPod } from '../simulated-pod.ts'
import type { Surroundings } from './surroundings.ts'

export interface StandInOptions {
  /** For everything that it writes. */
  readonly folder: string
  readonly cleanup: Cleanup
  readonly progress: Progress
  readonly signal: AbortSignal
  readonly onWebhookRefused: (why: string) => void
}

const namespace = 'kanihook-builds'
const images = { kanikoImage: 'localhost/kaniko:1', cloneImage: 'localhost/git:1' }
const loopback = '127.0.0.1'

/** The Kubernetes API played by this process, with pods that are processes: they really build. */
export async function standInThatBuilds(options: StandInOptions): Promise<Surroundings> {
  const { progress, signal } = options
  const executor = await provideExecutor(progress, signal)
  const registry = await localRegistry(options)
  const archive = await baseImage()
  const base = await pushArchive(registry.daemons, registry.registry, archive, 'library/base:1')
  const runner = createProcessRunner({ executor: executor.path, images: Object.values(images) })
  return {
    clusterFacts: [
      'a local stand-in for the Kubernetes API. Its pods are processes of this machine, each in a',
      `root folder and namespaces of its own: real git, real Kaniko ${executor.version}, no isolation`,
      'for code that you do not trust. A real cluster: ./dev demo --cluster',
    ],
    registryFacts: [`Debian's docker-registry behind a login, on http://${registry.registry.host}`],
    registry: registry.registry,
    baseImage: base,
    ...(await around({ ...options, runner })),
  }
}

/** The Kubernetes API played by this process, with pods in which nothing runs. */
export async function standInThatSimulates(options: StandInOptions): Promise<Surroundings> {
  return {
    clusterFacts: [
      'a local stand-in for the Kubernetes API in whose pods nothing runs: no clone, no Kaniko.',
      'Their logs, digests and ends are made up. All else is real kanihook at work.',
    ],
    registryFacts: ['none: nothing is pushed'],
    registry: undefined,
    baseImage: 'busybox:1.37',
    ...(await around({ ...options, runner: simulatedPod })),
  }
}

async function around({
  folder,
  cleanup,
  runner,
  onWebhookRefused,
}: StandInOptions & { readonly runner: PodRunner }) {
  const kubernetes = await startKubernetes({ runner, namespaces: [namespace], host: loopback })
  cleanup.add(() => kubernetes.stop())
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubernetes.kubeConfigYaml(), { mode: 0o600 })
  const git = join(folder, 'git')
  await mkdir(git)
  const forge = await startLocalForge({ folder: git, onRefused: onWebhookRefused })
  cleanup.add(() => forge.close())
  return { forge, kubeconfig, adminKubeconfig: kubeconfig, namespace, ...images }
}

async function localRegistry({ folder, cleanup, progress }: StandInOptions) {
  const daemons = createDaemons(join(folder, 'daemons'))
  cleanup.add(async () => {
    for (const name of daemons.names()) await daemons.stop(name)
  })
  const listen = { address: loopback, port: await freePort(), onProgress: progress }
  const registry: Registry = await startRegistry(daemons, listen)
  return { daemons, registry }
}
