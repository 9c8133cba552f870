import { ApiException, CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node'
import type { Backend } from '../backend.ts'
import { statusOf } from '../api-call.ts'
import { taskRunManifest } from './manifest.ts'
import { taskRunObservation } from './observation.ts'
import { tektonGroup, tektonVersion, type TaskRun } from './task-run.ts'

/** A try of a build as a TaskRun of Tekton. */
export function createTektonBackend(kubeConfig: KubeConfig, namespace: string): Backend<TaskRun> {
  const api = kubeConfig.makeApiClient(CustomObjectsApi)
  const place = { group: tektonGroup, version: tektonVersion, namespace, plural: 'taskruns' }
  return {
    kind: 'TaskRun',
    notCreated: (name) => `TaskRun ${name} cannot be created`,
    manifest: taskRunManifest,
    create: async (body, options) =>
      known(await api.createNamespacedCustomObject({ ...place, body }, options)),
    read: async (name, options) =>
      known(await api.getNamespacedCustomObject({ ...place, name }, options)),
    delete: (name, options) =>
      api.deleteNamespacedCustomObject(
        { ...place, name, propagationPolicy: 'Foreground' },
        options,
      ),
    async list(labelSelector, options) {
      const list = { ...place, labelSelector }
      const answer: unknown = await api.listNamespacedCustomObject(list, options)
      return (answer as { items: TaskRun[] }).items
    },
    probe: (options) => api.listNamespacedCustomObject({ ...place, limit: 1 }, options),
    observation: taskRunObservation,
    container: (name) => `step-${name}`,
    whyRefused: (error) => (isUnknownKind(error) ? noTekton : undefined),
  }
}

const noTekton =
  'The cluster has no Tekton (tekton.dev/v1): install it, or leave backend: tekton out'

/** The client knows nothing of the kind. */
const known = (answer: unknown): TaskRun => answer as TaskRun

/** The API server answers with a page of text where it does not know the kind, and with a Status else. */
export const isUnknownKind = (error: unknown): boolean =>
  statusOf(error) === 404 &&
  error instanceof ApiException &&
  !/"kind":\s*"Status"/.test(
    typeof error.body === 'string' ? error.body : JSON.stringify(error.body),
  )
