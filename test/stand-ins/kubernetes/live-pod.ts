import type { V1Pod } from '@kubernetes/client-node'
import type { ContainerLogs } from './container-logs.ts'
import { createPatch, warn } from './patch.ts'
import { running, statusIn, terminated, type PodHandle } from './pod-handle.ts'
import type { Store } from './store.ts'

/** The handle by which a runner changes a stored pod. */
export function createPodHandle(options: {
  readonly store: Store
  readonly logs: ContainerLogs
  readonly job: string
  readonly pod: V1Pod
  readonly signal: AbortSignal
  /** The pod's phase and the Job's condition are to follow. */
  readonly settle: (phase: 'Succeeded' | 'Failed') => void
  readonly vanish: () => void
  readonly stayUntil: (released: Promise<void>) => void
}): PodHandle {
  const { store, logs, job, pod, signal, settle, vanish, stayUntil } = options
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const patch = createPatch(store)

  const change = (what: () => void): void => store.update('pods', pod, what)
  const isInitial = (container: string): boolean =>
    pod.spec?.initContainers?.some((each) => each.name === container) ?? false

  return {
    job,
    pod,
    signal,
    vanish,
    stayUntil,
    schedule: () =>
      patch.status('pods', pod, { conditions: [{ type: 'PodScheduled', status: 'True' }] }),
    unschedulable: (message) => {
      const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }
      patch.status('pods', pod, { conditions: [condition] })
    },
    wait: (container, reason, message) =>
      change(() => (statusIn(pod, container).state = { waiting: { reason, message } })),
    begin(container) {
      change(() => (statusIn(pod, container).state = running()))
      patch.status('pods', pod, { phase: isInitial(container) ? 'Pending' : 'Running' })
    },
    log: (container, text, time) => logs.append(name, container, text, time),
    finish(container, end) {
      change(() => (statusIn(pod, container).state = terminated(end)))
      logs.end(name, container)
      if (end.exitCode !== 0) settle('Failed')
      else if (!isInitial(container)) settle('Succeeded')
    },
    fail(reason, message) {
      patch.status('pods', pod, { phase: 'Failed', reason, message })
      settle('Failed')
    },
    warn: (reason, message) => warn(store, pod, reason, message),
    annotate: (key, value) => {
      const annotations = { ...pod.metadata?.annotations, [key]: value }
      patch.metadata('pods', pod, { annotations })
    },
    secret: (secret) => store.find('secrets', namespace, secret),
  }
}
