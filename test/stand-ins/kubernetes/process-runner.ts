import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { V1Container, V1EnvVar } from '@kubernetes/client-node'
import { runInRoot } from './chroot.ts'
import { expand } from './expand.ts'
import { imageRoot, type Mount } from './image-roots.ts'
import type { PodHandle, PodRunner } from './pod-handle.ts'
import { mountVolumes } from './volumes.ts'

export interface ProcessRunnerOptions {
  /** Path of a Kaniko executor. */
  readonly executor: string
  /** Path of crane, for pods that publish apart. */
  readonly crane?: string | undefined
  /** The images that the node can pull; any other one stays in ImagePullBackOff. */
  readonly images: readonly string[]
}

/** How often something that is missing is looked for again, in milliseconds. */
const pollMs = 50

/**
 * Plays a pod with real processes of this machine: the clone container's script with the machine's
 * git, the build container with a real Kaniko executor, the publish container with a real crane, each in a root folder and namespaces of its
 * own. Needs root on Linux. It enforces no limit of memory or CPU, no capabilities and no seccomp,
 * and shares the machine's network: it is no isolation for code that one does not trust.
 */
export function createProcessRunner(options: ProcessRunnerOptions): PodRunner {
  return async (pod) => {
    const folder = await mkdtemp(join(tmpdir(), 'kanihook-pod-'))
    try {
      pod.schedule()
      const volumes = await mountVolumes(pod, join(folder, 'volumes'))
      const { initContainers = [], containers = [] } = pod.pod.spec ?? {}
      for (const container of [...initContainers, ...containers]) {
        const exitCode = await runContainer(pod, container, volumes, folder, options)
        if (exitCode !== 0) return
      }
    } catch (error) {
      if (!pod.signal.aborted) throw error
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

async function runContainer(
  pod: PodHandle,
  container: V1Container,
  volumes: ReadonlyMap<string, string>,
  folder: string,
  { images, ...programs }: ProcessRunnerOptions,
): Promise<number> {
  const { name, image = '' } = container
  if (!images.includes(image)) {
    pod.wait(name, 'ImagePullBackOff', `Back-off pulling image "${image}"`)
    return never(pod)
  }
  const env = await environment(pod, container)
  const root = await imageRoot(name, join(folder, name), programs)
  const mounts = (container.volumeMounts ?? []).map(({ name: volume, mountPath, readOnly }) => ({
    source: volumes.get(volume) ?? '',
    target: mountPath,
    readOnly: readOnly ?? false,
  })) satisfies Mount[]
  const words = [...(container.command ?? root.entrypoint), ...(container.args ?? [])]
  pod.begin(name)
  const { exitCode, message } = await runInRoot({
    root: root.folder,
    mounts: [...root.mounts, ...mounts],
    readOnly: container.securityContext?.readOnlyRootFilesystem ?? false,
    user: container.securityContext?.runAsUser ?? 0,
    workingDirectory: container.workingDir,
    command: words.map((word) => expand(word, env)),
    env: { ...root.env, ...env },
    onLine: (line) => pod.log(name, line),
    signal: pod.signal,
  })
  pod.finish(name, { exitCode, ...(message === '' ? {} : { message }) })
  return exitCode
}

/** Waits, as the kubelet does, for a Secret that is not there yet. */
async function environment(
  pod: PodHandle,
  container: V1Container,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {}
  for (const variable of container.env ?? []) {
    env[variable.name] =
      variable.value === undefined
        ? await fromSecret(pod, container.name, variable)
        : expand(variable.value, env)
  }
  return env
}

async function fromSecret(pod: PodHandle, container: string, variable: V1EnvVar): Promise<string> {
  const { name = '', key = '' } = variable.valueFrom?.secretKeyRef ?? {}
  for (;;) {
    const value = pod.secret(name)?.data?.[key]
    if (value !== undefined) return Buffer.from(value, 'base64').toString()
    pod.wait(container, 'CreateContainerConfigError', `secret "${name}" not found`)
    await delay(pollMs, undefined, { signal: pod.signal })
  }
}

const never = (pod: PodHandle): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(new Error('the pod ends'))
    if (pod.signal.aborted) end()
    pod.signal.addEventListener('abort', end, { once: true })
  })
