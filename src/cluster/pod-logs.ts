import { setTimeout as delay } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import type { ContainerName } from '../builds/containers.ts'
import type { LogLine } from '../builds/ports.ts'
import { statusOf } from './api-call.ts'
import { streamLines } from './api-stream.ts'
import { createResumption, parseLine } from './log-lines.ts'

export interface PodLogsOptions {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
  readonly container: ContainerName
  /** The container's name in its pod. */
  readonly inPod: string
  readonly signal: AbortSignal
  /**
   * Waits until the container has started. Returns its pod and whether it has ended, or undefined
   * where it never will start or is gone.
   */
  readonly started: () => Promise<{ readonly pod: string; readonly ended: boolean } | undefined>
}

/** A container that says nothing for so long may have a dead connection: a new one is cheap. */
const idleMs = 60_000
/** Between two connections; a container's end is known a moment after its stream's. */
const pauseMs = 250

/**
 * The lines of a container from its first. A connection that ends, well or not, is no sign that the
 * container has ended: only what is read after its end is complete.
 */
export async function* podLogs(options: PodLogsOptions): AsyncGenerator<LogLine> {
  const { kubeConfig, namespace, container, inPod, signal, started } = options
  const resumption = createResumption()
  while (!signal.aborted) {
    const target = await started()
    if (!target) return
    const sinceTime = resumption.begin()
    const path = `/api/v1/namespaces/${namespace}/pods/${target.pod}/log`
    const query = {
      container: inPod,
      timestamps: 'true',
      follow: String(!target.ended),
      ...(sinceTime === undefined ? {} : { sinceTime }),
    }
    try {
      for await (const raw of streamLines({ kubeConfig, path, query, idleMs, signal })) {
        // Half a line comes again, whole, with the next connection.
        const line = raw.finished || target.ended ? parseLine(raw.text) : undefined
        if (line && resumption.isNew(line)) yield { container, ...line }
      }
      if (target.ended) return
    } catch (error) {
      if (signal.aborted || statusOf(error) === 404) return
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}
