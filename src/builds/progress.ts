import type { StepName } from './build.ts'
import type { ContainerName, JobObservation } from './ports.ts'

/** What a Job shows of the build's progress. Pure. */

/** The step that the Job is at; undefined: its pod has not started yet. */
export const stepOf = ({ phase, clone, build }: JobObservation): StepName | undefined => {
  if (phase === 'building' || build) return 'building'
  return phase === 'cloning' || clone ? 'cloning' : undefined
}

/** Why the pod does not start, in words for the status. */
export function waitingNote({ waiting }: JobObservation): string | undefined {
  if (!waiting) return undefined
  const why = `${waiting.reason}: ${waiting.message}`
  return /Unschedulable|quota/i.test(why) ? `Waiting for capacity: ${waiting.message}` : why
}

/** The container whose log explains a failure, if one has failed. */
export function failedContainer({ clone, build }: JobObservation): ContainerName | undefined {
  if (build) return build.exitCode === 0 ? undefined : 'build'
  return clone && clone.exitCode !== 0 ? 'clone' : undefined
}
