import type { V1Container, V1Job, V1PodSpec, V1Toleration } from '@kubernetes/client-node'
import { jobName, type ImagePlan } from '../builds/build.ts'
import { indexPart, partPlan } from '../builds/parts.ts'
import type { JobRequest } from '../builds/ports.ts'
import type { BuildImages, RegistrySettings, Settings } from '../settings/settings.ts'
import { cloneContainer, loginVolumes } from './clone-container.ts'
import { identityAnnotations, identityLabels } from './job-identity.ts'
import { indexContainer } from './index-container.ts'
import { inJob, kanikoContainer, type KanikoPlace } from './kaniko-container.ts'
import { uploadContainer } from './upload-container.ts'
import { publishContainer } from './publish-container.ts'
import { buildLogin, databaseLogin, pushLogin } from './registry-login.ts'
import { scanContainer } from './scan-container.ts'
import { startedTogether } from './together.ts'

export interface JobSettings extends BuildImages {
  readonly namespace: string
  /** A shell in that image; unset or empty: the containers run one after the other. */
  readonly kanikoShell?: string
  readonly registries: readonly RegistrySettings[]
}

/** The part of the settings that a Job is made by. */
export const jobSettings = (
  { buildNamespace, kanikoImage, kanikoShell, cloneImage, scanImage, publishImage }: Settings,
  registries: readonly RegistrySettings[],
): JobSettings => ({
  namespace: buildNamespace,
  kanikoImage,
  kanikoShell,
  cloneImage,
  scanImage,
  publishImage,
  registries,
})

/** What is left of the deadline for pulling images and the like, in seconds: kanihook's own is first. */
const slackSeconds = 300

/** How long an ended Job stays for a worker that was away, in seconds. */
export const keepSeconds = 3600

/** How long a pod that is to end may take; Kaniko ends at SIGTERM, a hanging git does not. */
const graceSeconds = 5

/**
 * The Job of one try of a build: a pod whose containers clone, build, scan and push, one after the other. Pure. Throws PermanentError for a plan that the settings should never have let through.
 */
export function jobManifest(
  request: JobRequest,
  settings: JobSettings,
  place: KanikoPlace = inJob,
): V1Job {
  const { build, part, tries } = request
  const plan = partPlan(build.plan, part)
  const name = jobName(build, tries, part)
  const labels = identityLabels(build, name, tries)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: settings.namespace,
      labels,
      annotations: identityAnnotations(build, tries, part),
    },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      activeDeadlineSeconds: deadlineSeconds(plan),
      ttlSecondsAfterFinished: keepSeconds,
      template: {
        metadata: {
          labels: { ...labels, ...accountLabels(plan), 'sidecar.istio.io/inject': 'false' },
          // Both are read, by older and newer versions: a sidecar would outlive the build.
          annotations: { 'sidecar.istio.io/inject': 'false' },
        },
        spec: started(
          podSpec({ ...request, build: { ...build, plan } }, name, settings, place),
          settings,
        ),
      },
    },
  }
}

const started = (spec: V1PodSpec, { kanikoShell = '' }: JobSettings): V1PodSpec =>
  kanikoShell === '' ? spec : startedTogether(spec, kanikoShell)

/** After which the cluster itself ends the build. */
export const deadlineSeconds = ({ startTimeoutMs, timeoutMs }: ImagePlan): number =>
  Math.ceil((startTimeoutMs + timeoutMs) / 1000) + slackSeconds

function podSpec(
  request: JobRequest,
  job: string,
  settings: JobSettings,
  place: KanikoPlace,
): V1PodSpec {
  const { plan } = request.build
  const common = {
    restartPolicy: 'Never',
    ...account(plan),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: graceSeconds,
    ...scheduling(plan),
  }
  if (request.part === indexPart) {
    const { publishImage, registries } = settings
    const container = indexContainer(request.build, publishImage, registries)
    return { ...common, containers: [container], volumes: pushLogin(plan).volumes }
  }
  const { before, last } = containersOf(request, job, settings, place)
  return {
    ...common,
    initContainers: before,
    containers: [last],
    volumes: [
      { name: 'context', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
      ...loginVolumes(request),
      ...buildLogin(plan).volumes,
      ...(plan.publish === 'apart'
        ? [{ name: 'image', emptyDir: {} }, ...pushLogin(plan).volumes]
        : []),
      ...(plan.scan ? [{ name: 'scan', emptyDir: {} }, ...databaseLogin(plan).volumes] : []),
    ],
  }
}

const sourceContainer = (request: JobRequest, job: string, image: string): V1Container =>
  request.build.plan.upload
    ? uploadContainer(request, job, image)
    : cloneContainer(request, job, image)

/** Its containers, of which each runs when the one before it has ended well. */
function containersOf(
  request: JobRequest,
  job: string,
  settings: JobSettings,
  place: KanikoPlace,
): Sequence {
  const { plan } = request.build
  const { cloneImage, kanikoImage, scanImage, publishImage, registries } = settings
  const clone = sourceContainer(request, job, cloneImage)
  const build = kanikoContainer(plan, kanikoImage, registries, place)
  if (plan.publish !== 'apart') return { before: [clone], last: build }
  const scan = plan.scan ? [scanContainer(plan, plan.scan, scanImage, registries)] : []
  return {
    before: [clone, build, ...scan],
    last: publishContainer(plan, publishImage, registries),
  }
}

interface Sequence {
  readonly before: V1Container[]
  readonly last: V1Container
}

/**
 * Clouds mount a token of their own for a pod's service account, so that of the Kubernetes API is not
 * mounted then either.
 */
const account = ({ serviceAccountName }: ImagePlan): Pick<V1PodSpec, 'serviceAccountName'> =>
  serviceAccountName === undefined ? {} : { serviceAccountName }

/** Azure's webhook looks at pods with this label alone; those of other clouds at the account. */
const accountLabels = ({ serviceAccountName }: ImagePlan): Record<string, string> =>
  serviceAccountName === undefined ? {} : { 'azure.workload.identity/use': 'true' }

/** On which nodes the pod may run, and before which others. */
function scheduling(
  plan: ImagePlan,
): Pick<V1PodSpec, 'nodeSelector' | 'tolerations' | 'priorityClassName'> {
  const { tolerations, priorityClassName } = plan
  const nodeSelector = { ...plan.nodeSelector, ...platformLabels(plan) }
  return {
    ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
    // The client's type knows no difference between a key without a value and none.
    ...(tolerations
      ? { tolerations: tolerations.map((each) => ({ ...each }) as V1Toleration) }
      : {}),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
  }
}

/** A RUN step cannot run another architecture's programs, so the node is to be of the platform. */
function platformLabels({ platform, crossBuild }: ImagePlan): Record<string, string> {
  if (platform === undefined) return {}
  const [os = '', arch = ''] = platform.split('/')
  return { 'kubernetes.io/os': os, ...(crossBuild ? {} : { 'kubernetes.io/arch': arch }) }
}
