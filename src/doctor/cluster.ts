import { BatchV1Api, CoreV1Api, type KubeConfig, type V1Job } from '@kubernetes/client-node'
import { statusOf, within } from '../cluster/api-call.ts'
import { permissions, tektonPermissions } from '../cluster/permissions.ts'
import { fine, failure, warning, type Remark } from '../remark.ts'
import type { Config } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'
import { capacityRemarks } from './capacity.ts'
import type { Check } from './checks.ts'
import { clusterAnswerMs, listening, whyNot, type ReachedCluster } from './cluster-access.ts'
import { dryRun } from './dry-run.ts'
import { about, type CheckResult } from './finding.ts'
import { permissionRemarks, readPermissions } from './permission-remarks.ts'
import { enforcedLevel, jobWarningRemark, levelRemark, warningsOf } from './pod-security.ts'
import { backendsOf, sampleManifests } from './sample-manifest.ts'
import { tryTaskRuns } from './tekton.ts'

export interface ClusterCheckOptions {
  readonly kubeConfig: KubeConfig
  /** Asked once, for all who need the cluster. */
  readonly reached: Promise<ReachedCluster>
  readonly settings: Settings
  readonly config: Config | undefined
}

/** Whether builds can run in the cluster: its version, permissions, Pod Security, quotas. */
export function clusterCheck(options: ClusterCheckOptions): Check {
  const subject = options.kubeConfig.getCurrentCluster()?.server ?? 'no server'
  return { area: 'cluster', subject, run: () => examine(options, subject) }
}

async function examine(options: ClusterCheckOptions, server: string): Promise<CheckResult> {
  const { settings } = options
  const cluster = await options.reached
  const ofServer = about('cluster', server)
  if (!cluster.reached) return { findings: ofServer(failure(cluster.why, cluster.fix)) }
  const { version, account, clockOffsetMs } = cluster
  const ofNamespace = about('cluster', settings.buildNamespace)
  const remarks = await examineNamespace(options).catch((error: unknown) => [
    failure(
      `the API leaves a question without an answer: ${whyNot(error)}`,
      'ask again; if it stays so, look at the log of the API server',
    ),
  ])
  return {
    findings: [...ofServer(versionRemark(version, account)), ...ofNamespace(...remarks)],
    clocks:
      clockOffsetMs === undefined ? [] : [{ of: 'the Kubernetes API', offsetMs: clockOffsetMs }],
  }
}

const oldestMinor = 30

function versionRemark(version: string, account: string | undefined): Remark {
  const who = account === undefined ? '' : `, as ${account}`
  const [, major = '0', minor = '0'] = /^v?(\d+)\.(\d+)/.exec(version) ?? []
  if (Number(major) > 1 || Number(minor) >= oldestMinor) return fine(`${version}${who}`)
  return warning(
    `is ${version}${who}`,
    `kanihook is made for Kubernetes 1.${oldestMinor} and newer`,
  )
}

const missingNamespace = (name: string): Remark =>
  failure(
    'there is no such namespace',
    `kubectl create namespace ${name}, and give kanihook's account its Role there; or mend BUILD_NAMESPACE`,
  )

/** The labels of the namespace; `hidden` where this account may not see it, which is no fault. */
type NamespaceFacts = { readonly labels: Readonly<Record<string, string>> } | 'hidden' | 'missing'

async function readNamespace(options: ClusterCheckOptions): Promise<NamespaceFacts> {
  const core = options.kubeConfig.makeApiClient(CoreV1Api)
  const name = options.settings.buildNamespace
  try {
    const { metadata } = await core.readNamespace({ name }, within(clusterAnswerMs))
    return { labels: metadata?.labels ?? {} }
  } catch (error) {
    if (statusOf(error) === 404) return 'missing'
    if (statusOf(error) === 403) return 'hidden'
    throw error
  }
}

async function examineNamespace(options: ClusterCheckOptions): Promise<Remark[]> {
  const name = options.settings.buildNamespace
  const namespace = await readNamespace(options)
  if (namespace === 'missing') return [missingNamespace(name)]
  const inUse = backendsOf(options.config)
  const wanted = [...permissions, ...(inUse.has('tekton') ? tektonPermissions : [])]
  const account = await readPermissions(options.kubeConfig, name, wanted)
  const mayCreate = (kind: string): boolean =>
    !account.missing.some(({ resource, verbs }) => resource === kind && verbs.includes('create'))
  const enforced = namespace === 'hidden' ? undefined : enforcedLevel(namespace.labels)
  const [job, taskRun, capacity] = await Promise.all([
    mayCreate('jobs') ? tryJobs(options, enforced) : [],
    inUse.has('tekton') && mayCreate('taskruns') ? tryTaskRuns(options) : [],
    readCapacity(options),
  ])
  return [
    ...permissionRemarks(account, name),
    ...job,
    ...taskRun,
    ...(namespace === 'hidden' ? [] : [levelRemark(enforced)]),
    ...(capacity ?? []),
    ...hiddenRemark(namespace, capacity),
  ]
}

/** Lets the API judge the Jobs of builds, all admission included, without keeping them. */
async function tryJobs(
  { kubeConfig, settings, config }: ClusterCheckOptions,
  enforced: string | undefined,
): Promise<Remark[]> {
  const namespace = settings.buildNamespace
  const api = kubeConfig.makeApiClient(BatchV1Api)
  const { remarks, warnings } = await dryRun({
    samples: sampleManifests(settings, config, 'job'),
    kind: 'Job',
    async send(body) {
      const headers = new Map<string, string>()
      const request = { namespace, body: body as V1Job, dryRun: 'All' }
      await api.createNamespacedJob(request, listening(headers))
      return warningsOf(headers.get('warning'))
    },
    known: (error) => (statusOf(error) === 404 ? missingNamespace(namespace) : undefined),
  })
  return [...remarks, ...warnings.map((text) => jobWarningRemark(text, enforced))]
}

/** Undefined: this account may not see quotas and limit ranges. */
async function readCapacity({
  kubeConfig,
  settings,
  config,
}: ClusterCheckOptions): Promise<Remark[] | undefined> {
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const namespace = settings.buildNamespace
  try {
    const [quotas, ranges] = await Promise.all([
      core.listNamespacedResourceQuota({ namespace }, within(clusterAnswerMs)),
      core.listNamespacedLimitRange({ namespace }, within(clusterAnswerMs)),
    ])
    const { entries, uploads } = config ?? { entries: [], uploads: [] }
    const pushed = entries.flatMap(({ match, images }) =>
      images.map(({ name, resources }) => ({ name: name ?? match, resources })),
    )
    return capacityRemarks(quotas.items, ranges.items, [...pushed, ...uploads])
  } catch (error) {
    if (statusOf(error) === 403) return undefined
    throw error
  }
}

function hiddenRemark(namespace: NamespaceFacts, capacity: Remark[] | undefined): Remark[] {
  const hidden = [
    ...(namespace === 'hidden' ? ['Pod Security labels'] : []),
    ...(capacity === undefined ? ['quotas and limit ranges'] : []),
  ]
  return hidden.length === 0
    ? []
    : [fine(`not visible to this account, and not checked: ${hidden.join('; ')}`)]
}
