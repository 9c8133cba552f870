import type { StepName } from './build.ts'
import type { ContainerName, JobObservation } from './ports.ts'
import { quotaNote } from './refusals.ts'

type Waiting = NonNullable<JobObservation['waiting']>

/** What a Job shows of the build's progress. Pure. */

/** The step that the Job is at; undefined: its pod has not started yet. */
export const stepOf = ({ phase, clone, build }: JobObservation): StepName | undefined => {
  if (phase === 'building' || build) return 'building'
  return phase === 'cloning' || clone ? 'cloning' : undefined
}

/** Why the pod does not start, in words for the status. */
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

/** Without what the scheduler says of preemption: of no use to a person, and a status is short. */
const briefly = (waiting: Waiting): string =>
  quotaNote(waiting) ??
  waiting.message.replace(/[.,]?\s+(no new claims to deallocate, )?preemption: .*$/s, '')

/** The container whose log explains a failure, if one has failed. */
export function failedContainer({ clone, build }: JobObservation): ContainerName | undefined {
  if (build) return build.exitCode === 0 ? undefined : 'build'
  return clone && clone.exitCode !== 0 ? 'clone' : undefined
}
