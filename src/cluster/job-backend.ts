import { BatchV1Api, type KubeConfig, type V1Job } from '@kubernetes/client-node'
import type { Backend } from './backend.ts'
import { jobManifest } from './job-manifest.ts'
import { observation } from './observation.ts'

/** A try of a build as a Job of Kubernetes itself. */
export function createJobBackend(kubeConfig: KubeConfig, namespace: string): Backend<V1Job> {
  const batch = kubeConfig.makeApiClient(BatchV1Api)
  return {
    kind: 'Job',
    notCreated: (name) => `Job ${name} cannot be created`,
    manifest: jobManifest,
    create: (body, options) => batch.createNamespacedJob({ namespace, body }, options),
    read: (name, options) => batch.readNamespacedJob({ name, namespace }, options),
    delete: (name, options) =>
      batch.deleteNamespacedJob({ name, namespace, propagationPolicy: 'Foreground' }, options),
    list: async (labelSelector, options) =>
      (await batch.listNamespacedJob({ namespace, labelSelector }, options)).items,
    probe: (options) => batch.listNamespacedJob({ namespace, limit: 1 }, options),
    observation,
    container: (name) => name,
  }
}
