import type {
  CoreV1Event,
  V1ContainerStateTerminated,
  V1ContainerStatus,
  V1Job,
  V1JobCondition,
  V1Pod,
} from '@kubernetes/client-node'
import { containerNames, phaseOf, type ContainerName } from '../builds/containers.ts'
import type { ContainerEnd, JobObservation } from '../builds/ports.ts'

/**
 * What a Job and its pod say together. The Job must have been read before the pod: a Job that counts
 * a pod which is then not there has lost it. Pure.
 *
 * The containers' own states come first: the pod's phase follows them by a second and the Job's
 * condition by two, and both forget why.
 */
export function observation(job: V1Job | undefined, pod: V1Pod | undefined): JobObservation {
  if (!pod) return ofJobAlone(job)
  const ran = imagesOf(pod)
  return { ...ofPod(job, pod), ...(Object.keys(ran).length > 0 ? { ran } : {}) }
}

/** Longer ones are no names of images. */
const longestImage = 400

/** Docker writes its own kind of URL. */
const imagesOf = (pod: V1Pod): Record<string, string> =>
  Object.fromEntries(
    allStatuses(pod)
      .filter(({ imageID }) => imageID)
      .map(({ name, imageID }) => [
        name,
        imageID.replace(/^docker-pullable:\/\//, '').slice(0, longestImage),
      ]),
  )

/** A pod that was never seen to end and is gone is `absent`, whatever the Job makes of it. */
function ofJobAlone(job: V1Job | undefined): JobObservation {
  const { status, metadata } = job ?? {}
  const deadline = overdue(job)
  if (deadline) return { phase: 'ended', ends: {}, pod: deadline }
  const ended = condition(job, 'Failed') ?? condition(job, 'Complete')
  const hadPod = (status?.active ?? 0) + (status?.failed ?? 0) + (status?.succeeded ?? 0) > 0
  if (!job || metadata?.deletionTimestamp || ended || hadPod) return { phase: 'absent', ends: {} }
  return { phase: 'pending', ends: {} }
}

function ofPod(job: V1Job | undefined, pod: V1Pod): JobObservation {
  const initial = ofBuild(pod.status?.initContainerStatuses)
  // Whose ends are the pod's: one that runs after all others, or several that are started together.
  const main = ofBuild(pod.status?.containerStatuses)
  const all = [...initial, ...main]
  const ends = Object.fromEntries(
    all.flatMap(({ name, state }) => (state?.terminated ? [[name, endOf(state.terminated)]] : [])),
  ) as JobObservation['ends']
  const failure = all.map(({ name }) => ends[name]).find((end) => end && end.exitCode !== 0)
  const allEnded = main.length > 0 && main.every(({ name }) => ends[name])
  const last = failure ?? (allEnded ? ends[main.at(-1)!.name] : undefined)
  const over = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'
  if (last || over) {
    const lost = last?.exitCode === 0 ? undefined : whyLost(job, pod, last)
    // One that waits for another that failed is told so, and ends a moment later.
    const lingers = !over && main.some(({ state }) => state?.running)
    return { phase: 'ended', ends, ...(lost ? { pod: lost } : {}), ...(lingers ? { lingers } : {}) }
  }
  const present = all.find(({ name }) => !ends[name])
  const waiting = waitingReason(pod, present)
  const begun = present && (present.state?.running || present !== all[0])
  return { phase: begun ? phaseOf[present.name] : 'pending', ends, ...(waiting ? { waiting } : {}) }
}

/** Why the pod ended as a whole, or undefined where just a container failed. */
function whyLost(
  job: V1Job | undefined,
  pod: V1Pod,
  failure: ContainerEnd | undefined,
): JobObservation['pod'] {
  const { status, metadata } = pod
  const disrupted = status?.conditions?.find(
    ({ type, status: is }) => type === 'DisruptionTarget' && is === 'True',
  )
  const deadline = overdue(job)
  if (deadline) return deadline
  if (status?.reason) return { reason: status.reason, message: status.message ?? '' }
  if (disrupted)
    return { reason: disrupted.reason ?? 'Disrupted', message: disrupted.message ?? '' }
  if (metadata?.deletionTimestamp) return { reason: 'Deleted', message: 'the pod was deleted' }
  if (!failure) return { reason: 'Failed', message: status?.message ?? 'no container failed' }
  return undefined
}

/** `activeDeadlineSeconds` is over. The condition is FailureTarget while the pod is being ended. */
function overdue(job: V1Job | undefined): JobObservation['pod'] {
  const failed = condition(job, 'Failed') ?? condition(job, 'FailureTarget')
  return failed?.reason === 'DeadlineExceeded'
    ? { reason: failed.reason, message: failed.message ?? '' }
    : undefined
}

const condition = (job: V1Job | undefined, type: string): V1JobCondition | undefined =>
  job?.status?.conditions?.find((each) => each.type === type && each.status === 'True')

const allStatuses = ({ status }: V1Pod): V1ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
]

type BuildContainerStatus = V1ContainerStatus & { name: ContainerName }

/** Without what others inject into pods. */
const ofBuild = (statuses: readonly V1ContainerStatus[] = []): readonly BuildContainerStatus[] =>
  containerNames.flatMap((name) =>
    statuses.filter((status): status is BuildContainerStatus => status.name === name),
  )

const endOf = ({
  exitCode,
  reason = '',
  message = '',
}: V1ContainerStateTerminated): ContainerEnd => ({
  exitCode,
  reason,
  message,
})

/** Steps of a healthy start. */
const underWay = new Set(['PodInitializing', 'ContainerCreating'])

/** Whether something keeps the container from starting. */
export const isHindered = ({ state }: V1ContainerStatus): boolean =>
  state?.waiting?.reason !== undefined && !underWay.has(state.waiting.reason)

function waitingReason(
  pod: V1Pod,
  status: V1ContainerStatus | undefined,
): JobObservation['waiting'] {
  const waiting = status?.state?.waiting
  if (status && isHindered(status)) {
    return { reason: waiting?.reason ?? '', message: waiting?.message ?? '' }
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status !== 'False') return undefined
  const { reason = 'Unschedulable', message = '', lastTransitionTime } = scheduled
  const since = new Date(lastTransitionTime ?? Number.NaN).getTime()
  return { reason, message, ...(Number.isNaN(since) ? {} : { since }) }
}

/** Warnings that tell why a pod is not made or does not start; others are of no interest to a build. */
const hindrances = new Set([
  'FailedCreate',
  'FailedScheduling',
  'FailedMount',
  'FailedAttachVolume',
  'FailedCreatePodSandBox',
  'Failed',
])

/** The newest hindrance: a missing Secret of a mount, a full quota, a refusal by Pod Security. */
export function warning(events: readonly CoreV1Event[]): JobObservation['waiting'] {
  const [newest] = events
    .filter(({ reason = '' }) => hindrances.has(reason))
    .toSorted((one, other) => timeOf(other) - timeOf(one))
  return newest && { reason: newest.reason ?? 'Warning', message: newest.message ?? '' }
}

/** The autoscalers' words for a node that they add for a pod: cluster-autoscaler's, and Karpenter's. */
export const announcesNode = ({ reason = '' }: CoreV1Event): boolean =>
  reason === 'TriggeredScaleUp' || reason === 'Nominated'

const timeOf = (event: CoreV1Event): number =>
  new Date(
    event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? 0,
  ).getTime()
