import {
  containerNames,
  phaseOf,
  type ContainerName,
  type ContainerPhase,
  type StepName,
} from './containers.ts'
import type { JobObservation, Waiting } from './ports.ts'
import { quotaNote } from './refusals.ts'

/** What a Job shows of the build's progress. Pure. */

/** The containers that have begun, in their order. */
export const begunContainers = ({ phase, ends }: JobObservation): readonly ContainerName[] =>
  containerNames.filter((name) => ends[name] !== undefined || phaseOf[name] === phase)

/** The step that the Job is at; undefined: its pod has not started yet. */
export function stepOf(observation: JobObservation): StepName | undefined {
  const last = begunContainers(observation).at(-1)
  return last && phaseOf[last]
}

/** Whether the clone needs its login no more. */
export const isCloned = ({ phase }: JobObservation): boolean =>
  phase !== 'absent' && phase !== 'pending' && phase !== 'cloning'

/** Whether the pod goes on, with nothing in the way of the container that it is at. */
export const runs = ({ phase, waiting }: JobObservation): boolean =>
  phase !== 'absent' && phase !== 'pending' && phase !== 'ended' && !waiting

/** Why the pod, or the container that it is at, does not start, in words for the status. */
export function waitingNote({ waiting }: JobObservation): string | undefined {
  if (!waiting) return undefined
  const { reason, message } = waiting
  const isCapacity = /Unschedulable|quota/i.test(`${reason}: ${message}`)
  return isCapacity ? `Waiting for capacity: ${briefly(waiting)}` : `${reason}: ${message}`
}

/** Why the pod never started. */
export function whyNotStarted(waiting: Waiting): string {
  const { reason } = waiting
  return quotaNote(waiting) ?? `${reason}: ${briefly(waiting)}`
}

/** Reasons of the kubelet's for a container whose image it has not got. */
const noImage = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
])

/** What each step runs: the setting that names its image, and how the step is called. */
const runsIn: Readonly<Record<ContainerPhase, { readonly image: string; readonly what: string }>> =
  {
    cloning: { image: 'CLONE_IMAGE', what: 'Clone' },
    building: { image: 'KANIKO_IMAGE', what: 'Kaniko' },
    scanning: { image: 'SCAN_IMAGE', what: 'Scan' },
    publishing: { image: 'PUBLISH_IMAGE', what: 'Push' },
  }

/** Why a container never started, though its pod had. */
export function whyNotBegun(phase: ContainerPhase, waiting: Waiting): string {
  const { image, what } = runsIn[phase]
  const why = whyNotStarted(waiting)
  return noImage.has(waiting.reason)
    ? `${image} cannot be pulled: ${why}`
    : `${what} did not start: ${why}`
}

/** Without what the scheduler says of preemption: of no use to a person, and a status is short. */
export const briefly = (waiting: Waiting): string =>
  quotaNote(waiting) ??
  waiting.message.replace(/[.,]?\s+(no new claims to deallocate, )?preemption: .*$/s, '')

/** The container whose log explains a failure, if one has failed. */
export const failedContainer = ({ ends }: JobObservation): ContainerName | undefined =>
  containerNames.find((name) => (ends[name]?.exitCode ?? 0) !== 0)
