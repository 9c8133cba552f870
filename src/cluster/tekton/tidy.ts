import { setTimeout as delay } from 'node:timers/promises'
import { CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node'
import { within } from '../api-call.ts'
import { ofBuilds } from '../job-identity.ts'
import { keepSeconds } from '../job-manifest.ts'
import { outcome, tektonGroup, tektonVersion, type TaskRun } from './task-run.ts'

export interface TidyOptions {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
  readonly signal: AbortSignal
  /** How long an ended TaskRun stays, in milliseconds; as long as an ended Job, unless said. */
  readonly keepMs?: number
  readonly requestTimeoutMs?: number
}

const everyMs = 10 * 60_000

/**
 * Removes ended builds' TaskRuns with their pods, now and every ten minutes: Kubernetes does so with Jobs, and
 * Tekton leaves it to others. Never rejects; what goes wrong goes better the next time.
 */
export async function tidyTaskRuns(options: TidyOptions): Promise<void> {
  while (!options.signal.aborted) {
    await removeOld(options).catch(() => undefined)
    await delay(everyMs, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

async function removeOld(options: TidyOptions): Promise<void> {
  const { kubeConfig, namespace, signal } = options
  const { keepMs = keepSeconds * 1000, requestTimeoutMs = 10_000 } = options
  const api = kubeConfig.makeApiClient(CustomObjectsApi)
  const place = { group: tektonGroup, version: tektonVersion, namespace, plural: 'taskruns' }
  const bounded = (): ReturnType<typeof within> => within(requestTimeoutMs, signal)
  const list = { ...place, labelSelector: ofBuilds }
  const answer: unknown = await api.listNamespacedCustomObject(list, bounded())
  const before = Date.now() - keepMs
  for (const run of (answer as { items: TaskRun[] }).items.filter(endedBefore(before))) {
    const name = run.metadata.name ?? ''
    const deletion = { ...place, name, propagationPolicy: 'Background' }
    await api.deleteNamespacedCustomObject(deletion, bounded()).catch(() => undefined)
  }
}

/** `time`: milliseconds since the epoch. */
export const endedBefore =
  (time: number) =>
  (run: TaskRun): boolean => {
    const { status, lastTransitionTime = '' } = outcome(run) ?? {}
    return (status === 'True' || status === 'False') && Date.parse(lastTransitionTime) <= time
  }
