import { setTimeout as delay } from 'node:timers/promises'
import type { CoreV1Api, KubeConfig, V1Pod } from '@kubernetes/client-node'
import { messageOf, within } from './api-call.ts'
import { Silence, streamLines } from './api-stream.ts'
import type { Hints } from './hints.ts'
import { labels, ofBuilds } from './job-identity.ts'

export interface PodWatchOptions {
  readonly kubeConfig: KubeConfig
  readonly api: CoreV1Api
  readonly namespace: string
  readonly requestTimeoutMs: number
  readonly hints: Hints
  /** Told when the watch was lost; it is taken up again by itself. */
  readonly onLost: (message: string) => void
}

const firstPauseMs = 500
const longestPauseMs = 30_000
const idleMs = 90_000

/**
 * Watches the pods of every build in the namespace and passes the changes on as hints, until aborted.
 * Never rejects: a watch that breaks is taken up again from a new list.
 */
export async function watchPods(options: PodWatchOptions, signal: AbortSignal): Promise<void> {
  let pauseMs = firstPauseMs
  while (!signal.aborted) {
    try {
      const version = await presentVersion(options, signal)
      // What happened while nobody watched is not told by the watch.
      options.hints.tellAll()
      pauseMs = firstPauseMs
      await follow(options, version, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Silence)) options.onLost(messageOf(error))
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined)
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }
}

/** A watch without a version to start from is refused by some API servers. */
async function presentVersion(
  { api, namespace, requestTimeoutMs }: PodWatchOptions,
  signal: AbortSignal,
): Promise<string> {
  const list = await api.listNamespacedPod(
    { namespace, labelSelector: ofBuilds, limit: 1 },
    within(requestTimeoutMs, signal),
  )
  return list.metadata?.resourceVersion ?? ''
}

/** One connection, until the server ends it (it does every few minutes) or it breaks. */
async function follow(
  { kubeConfig, namespace, hints }: PodWatchOptions,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<void> {
  const query = {
    watch: 'true',
    labelSelector: ofBuilds,
    resourceVersion,
    // A sign of life each minute.
    allowWatchBookmarks: 'true',
  }
  const path = `/api/v1/namespaces/${namespace}/pods`
  for await (const { text, finished } of streamLines({ kubeConfig, path, query, idleMs, signal })) {
    if (!finished) return
    const event = JSON.parse(text) as { type: string; object: V1Pod }
    // The version is too old, or something else is wrong: a new list is the answer to it.
    if (event.type === 'ERROR') return
    const job = event.object.metadata?.labels?.[labels.job]
    if (job !== undefined) hints.tell(job, event.object)
  }
}
