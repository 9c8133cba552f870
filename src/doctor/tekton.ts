import type { KubeConfig } from '@kubernetes/client-node'
import { CustomObjectsApi } from '@kubernetes/client-node'
import { within } from '../cluster/api-call.ts'
import { isUnknownKind } from '../cluster/tekton/backend.ts'
import { tektonGroup, tektonVersion } from '../cluster/tekton/task-run.ts'
import { failure, type Remark } from '../remark.ts'
import type { Config } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'
import { clusterAnswerMs } from './cluster-access.ts'
import { dryRun } from './dry-run.ts'
import { sampleManifests } from './sample-manifest.ts'

const noTekton: Remark = failure(
  `images say backend: tekton, and the cluster has no Tekton (${tektonGroup}/${tektonVersion})`,
  'install Tekton Pipelines, or leave backend: tekton out of kanihook.yaml',
)

/** Lets the API judge the TaskRuns of builds with `backend: tekton`, without keeping them. */
export async function tryTaskRuns({
  kubeConfig,
  settings,
  config,
}: {
  readonly kubeConfig: KubeConfig
  readonly settings: Settings
  readonly config: Config | undefined
}): Promise<readonly Remark[]> {
  const place = { group: tektonGroup, version: tektonVersion, plural: 'taskruns' }
  const namespace = settings.buildNamespace
  const api = kubeConfig.makeApiClient(CustomObjectsApi)
  const { remarks } = await dryRun({
    samples: sampleManifests(settings, config, 'tekton'),
    kind: 'TaskRun',
    async send(body) {
      const request = { ...place, namespace, body, dryRun: 'All' }
      await api.createNamespacedCustomObject(request, within(clusterAnswerMs))
      return []
    },
    known: (error) => (isUnknownKind(error) ? noTekton : undefined),
  })
  return remarks
}
