import { setTimeout as delay } from 'node:timers/promises'
import type { V1Pod } from '@kubernetes/client-node'
import type { Cluster, ContainerEnds, JobObservation } from '../builds/ports.ts'
import { RetryLater } from '../errors.ts'
import type { Backend } from './backend.ts'
import type { CloneSecrets } from './clone-secret.ts'
import type { Hints } from './hints.ts'
import type { JobLookup } from './job-lookup.ts'

export interface RemovalOptions {
  readonly backend: Pick<Backend, 'kind' | 'observation'>
  readonly lookup: Pick<JobLookup, 'find'>
  readonly secrets: Pick<CloneSecrets, 'forget'>
  readonly hints: Hints
  /** Throws RetryLater when the API does not answer. */
  readonly deleteJob: (name: string) => Promise<void>
}

/** How often is looked again, in milliseconds. */
const pollMs = 300

/** How long the watch is given to tell how a pod ended that is gone already, in milliseconds. */
const lastWordsMs = 1_000

/** Removes a Job with its pod, as the `Cluster` port says it. */
export function createRemoval(options: RemovalOptions): Cluster['remove'] {
  const { backend, lookup, secrets, hints, deleteJob } = options

  /** What is left of the Job, which is being deleted then; undefined: nothing. */
  async function step(name: string): Promise<{ readonly pod: V1Pod | undefined } | undefined> {
    const { job, pod, pods } = await lookup.find(name)
    if (job && !job.metadata?.deletionTimestamp) {
      await deleteJob(name)
      await secrets.forget(name)
    }
    return job || pods.length > 0 ? { pod } : undefined
  }

  return async function remove(name, signal) {
    let ends: ContainerEnds = {}
    let phase: JobObservation['phase'] = 'absent'
    const note = (pod: V1Pod | undefined): void => {
      if (!pod) return
      const seen = backend.observation(undefined, pod)
      // Reading and watching overtake each other; an end stays.
      ends = { ...ends, ...seen.ends }
      if (phase !== 'ended') ({ phase } = seen)
    }
    const isSilent = (): boolean => !['absent', 'pending', 'ended'].includes(phase)

    // A pod goes within moments of its end: only the watch is sure to be told of that.
    const unwatch = hints.pods(name, note)
    try {
      for (;;) {
        const left = await step(name).catch((error: unknown) => {
          if (signal.aborted) throw error
          return { pod: undefined }
        })
        note(left?.pod)
        if (!left) break
        if (signal.aborted) throw new RetryLater(`${backend.kind} ${name} is still being removed`)
        await delay(pollMs, undefined, { signal }).catch(() => undefined)
      }
      const patience = AbortSignal.any([signal, AbortSignal.timeout(lastWordsMs)])
      while (isSilent() && !patience.aborted) {
        hints.look(name)
        await hints.wait(name, lastWordsMs, patience)
      }
      return ends
    } finally {
      unwatch()
      hints.forget(name)
    }
  }
}
