import type { KubeConfig } from '@kubernetes/client-node'
import { CustomObjectsApi } from '@kubernetes/client-node'
import { messageOf, statusOf, within } from '../cluster/api-call.ts'
import { isUnknownKind } from '../cluster/tekton/backend.ts'
import { tektonGroup, tektonVersion } from '../cluster/tekton/task-run.ts'
import { fine, failure, type Remark } from '../remark.ts'
import type { Config } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'
import { clusterAnswerMs } from './cluster-access.ts'
import { sampleManifest } from './sample-manifest.ts'

/** Lets the API judge the TaskRun of a build with `backend: tekton`, without keeping it. */
export async function tryTaskRun({
  kubeConfig,
  settings,
  config,
}: {
  readonly kubeConfig: KubeConfig
  readonly settings: Settings
  readonly config: Config | undefined
}): Promise<Remark[]> {
  const body = sampleManifest(settings, config, 'tekton')
  if (!body) return []
  const place = { group: tektonGroup, version: tektonVersion, plural: 'taskruns' }
  const namespace = settings.buildNamespace
  try {
    await kubeConfig
      .makeApiClient(CustomObjectsApi)
      .createNamespacedCustomObject(
        { ...place, namespace, body, dryRun: 'All' },
        within(clusterAnswerMs),
      )
  } catch (error) {
    if (statusOf(error) === undefined) throw error
    if (isUnknownKind(error)) {
      return [
        failure(
          `images say backend: tekton, and the cluster has no Tekton (${tektonGroup}/${tektonVersion})`,
          'install Tekton Pipelines, or leave backend: tekton out of kanihook.yaml',
        ),
      ]
    }
    return [
      failure(
        `the API refuses the TaskRun of a build: ${messageOf(error)}`,
        'mend what it names: a policy of the cluster, or the image in kanihook.yaml',
      ),
    ]
  }
  return [fine("the API accepts a build's TaskRun (tried with dryRun)")]
}
