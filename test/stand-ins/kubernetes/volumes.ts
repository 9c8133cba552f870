import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { V1SecretVolumeSource, V1Volume } from '@kubernetes/client-node'
import type { PodHandle } from './pod-handle.ts'

const pollMs = 50

/** Makes the pod's volumes as folders. Waits for a Secret that is not there, as the kubelet does. */
export async function mountVolumes(
  pod: PodHandle,
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  const volumes = new Map<string, string>()
  for (const volume of pod.pod.spec?.volumes ?? []) {
    const path = join(folder, volume.name)
    await mkdir(path, { recursive: true })
    if (volume.secret) await writeSecret(pod, volume, volume.secret, path)
    else await chmod(path, 0o777)
    volumes.set(volume.name, path)
  }
  return volumes
}

async function writeSecret(
  pod: PodHandle,
  volume: V1Volume,
  { secretName = '', items = [] }: V1SecretVolumeSource,
  path: string,
): Promise<void> {
  let secret = pod.secret(secretName)
  if (!secret) {
    const why = `MountVolume.SetUp failed for volume "${volume.name}" : secret "${secretName}" not found`
    pod.warn('FailedMount', why)
  }
  while (!secret) {
    await delay(pollMs, undefined, { signal: pod.signal })
    secret = pod.secret(secretName)
  }
  for (const { key, path: file } of items) {
    await writeFile(join(path, file), Buffer.from(secret.data?.[key] ?? '', 'base64'))
  }
}
