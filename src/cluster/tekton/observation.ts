import type {
  V1ContainerState,
  V1ContainerStateTerminated,
  V1ContainerStatus,
  V1Job,
  V1Pod,
} from '@kubernetes/client-node'
import type { JobObservation } from '../../builds/ports.ts'
import { isHindered, observation } from '../observation.ts'
import { outcome, type TaskRun } from './task-run.ts'

/**
 * What a TaskRun and its pod say together, by telling it in the words of a Job and its pod. The TaskRun must
 * have been read before the pod. Pure.
 */
export function taskRunObservation(
  run: TaskRun | undefined,
  pod: V1Pod | undefined,
): JobObservation {
  const seen = observation(run && asJob(run), pod && asPodOfJob(pod, run))
  const quota = outcome(run)?.reason === 'ExceededResourceQuota'
  if (quota && !pod) return { ...seen, waiting: refusedPod(outcome(run)?.message) }
  const why = whyEnded(run)
  if (!why || hasPushed(seen)) return seen
  const ended = { ...seen, phase: 'ended', pod: why } as const
  if (!pod || seen.phase === 'ended') return ended
  // While its pod is there it may still push. Tekton may have ended the one and forgotten the other.
  return pod.metadata?.deletionTimestamp ? seen : { ...ended, lingers: true }
}

/** Every step has ended well, whatever became of the pod after it. */
const hasPushed = ({ phase, ends, pod }: JobObservation): boolean =>
  phase === 'ended' && !pod && Object.values(ends).every(({ exitCode }) => exitCode === 0)

const refusedPod = (message = ''): { reason: string; message: string } => ({
  // As the events of a Job say it.
  reason: 'FailedCreate',
  message,
})

/** Why Tekton itself ended the TaskRun; undefined: it has not, or a step has failed, which the pod tells. */
function whyEnded(run: TaskRun | undefined): JobObservation['pod'] {
  const { status, reason = '', message = '' } = outcome(run) ?? {}
  if (status !== 'False' || reason === 'Failed' || reason === 'TaskRunTimeout') return undefined
  if (reason === 'PodCreationFailed' || reason === 'PodAdmissionFailed') return refusedPod(message)
  return { reason, message }
}

function asJob(run: TaskRun): V1Job {
  const { metadata, status } = run
  const { status: is, reason = '', message = '' } = outcome(run) ?? {}
  const ended = { status: 'True', message }
  const late = reason === 'TaskRunTimeout' ? 'DeadlineExceeded' : reason
  return {
    metadata,
    status: {
      ...(status?.podName ? { active: 1 } : {}),
      ...(is === 'False' ? { conditions: [{ ...ended, type: 'Failed', reason: late }] } : {}),
      ...(is === 'True' ? { conditions: [{ ...ended, type: 'Complete' }] } : {}),
    },
  }
}

const prefix = 'step-'

const isStep = ({ name }: { readonly name: string }): boolean => name.startsWith(prefix)

/** The steps by the names of a Job's containers, each in the state that it would have there. */
function asPodOfJob(pod: V1Pod, run: TaskRun | undefined): V1Pod {
  const { status = {}, spec } = pod
  const { initContainerStatuses = [], containerStatuses = [] } = status
  const last = spec?.containers.findLast(isStep)?.name
  const held = [...initContainerStatuses, ...containerStatuses].find(isHindered)?.state
  const steps = containerStatuses.filter(isStep).map((each) =>
    Object.assign({}, each, {
      name: each.name.slice(prefix.length),
      state: each.state?.terminated
        ? stateOfEnded(each, each.state.terminated, each.name === last ? run : undefined)
        : stateBeforeEnd(each, pod, held),
    }),
  )
  // A Job's pod has all but the last one for init containers.
  const main = steps.findLast(({ name }) => prefix + name === last)
  const ofJob = {
    initContainerStatuses: steps.filter((each) => each !== main),
    containerStatuses: main ? [main] : [],
  }
  return Object.assign({}, pod, { status: Object.assign({}, status, ofJob) })
}

const initializing: V1ContainerState = { waiting: { reason: 'PodInitializing' } }

/** All steps are started together: none does anything before all are there. */
const stateBeforeEnd = (
  { state = {} }: V1ContainerStatus,
  pod: V1Pod,
  held: V1ContainerState | undefined,
): V1ContainerState => (pod.status?.phase === 'Pending' ? (held ?? initializing) : state)

/** `run`: the step is the last one, which tells what was pushed. */
function stateOfEnded(
  { name }: V1ContainerStatus,
  ended: V1ContainerStateTerminated,
  run: TaskRun | undefined,
): V1ContainerState {
  const results = readResults(ended.message)
  if (!results) return { terminated: ended }
  // One that never ran, because the one before it failed, has ended all the same.
  if (results.some(({ key, value }) => key === 'Reason' && value === 'Skipped')) return initializing
  const wanted = name.slice(prefix.length)
  // Each step repeats what those before it told.
  const message = textOf(results.find(({ key }) => key === wanted)?.value) ?? resultOf(run, wanted)
  // Where the results come from a sidecar's log, the TaskRun has them, and not before it ends.
  const isUntold = ended.exitCode === 0 && message === undefined && run && !isOver(run)
  return isUntold
    ? { running: {} }
    : { terminated: Object.assign({}, ended, { message: message ?? '' }) }
}

const isOver = (run: TaskRun): boolean => /^(True|False)$/.test(outcome(run)?.status ?? '')

const resultOf = (run: TaskRun | undefined, wanted: string): string | undefined =>
  textOf(run?.status?.results?.find(({ name }) => name === wanted)?.value)

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** A termination message as Tekton's entrypoint writes it; undefined: it is another's. */
function readResults(
  message: string | undefined,
): readonly { readonly key?: unknown; readonly value?: unknown }[] | undefined {
  try {
    const results: unknown = JSON.parse(message ?? '')
    return Array.isArray(results)
      ? results.filter((each) => typeof each === 'object' && each)
      : undefined
  } catch {
    return undefined
  }
}
