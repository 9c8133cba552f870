import type { V1ContainerState, V1ContainerStatus, V1Pod, V1Secret } from '@kubernetes/client-node'

/** What makes a pod live. It plays its part through the handle; returning early is fine. */
export type PodRunner = (pod: PodHandle) => Promise<void>

/** How a container ends. */
export interface End {
  readonly exitCode: number
  /** `Completed` or `Error`, unless said. */
  readonly reason?: string
  readonly message?: string
}

/** What a kubelet, a scheduler and a node do to a pod. */
export interface PodHandle {
  readonly job: string
  readonly pod: V1Pod
  /** Aborted when the pod is to end: it is gone when its runner has returned. */
  readonly signal: AbortSignal
  schedule(): void
  unschedulable(message: string): void
  /** A container cannot start: `ImagePullBackOff`… */
  wait(container: string, reason: string, message: string): void
  begin(container: string): void
  log(container: string, text: string, time?: string): void
  finish(container: string, end: End): void
  /** The pod as a whole fails: `Evicted`, `NodeLost`. */
  fail(reason: string, message: string): void
  /** A warning event about the pod. */
  warn(reason: string, message: string): void
  annotate(key: string, value: string): void
  /** The pod is gone without a trace, as after `kubectl delete --force` or with its node. */
  vanish(): void
  /** Once told to end, the pod stays until then, as on a node that does not answer. */
  stayUntil(released: Promise<void>): void
  secret(name: string): V1Secret | undefined
}

/** The status of a container by its name, made when it is first asked for. */
export function statusIn(pod: V1Pod, name: string): V1ContainerStatus {
  const initial = pod.spec?.initContainers?.some((container) => container.name === name) ?? false
  const status = (pod.status ??= {})
  const list = initial ? (status.initContainerStatuses ??= []) : (status.containerStatuses ??= [])
  const known = list.find((each) => each.name === name)
  if (known) return known
  const made = { name, image: '', imageID: '', ready: false, restartCount: 0, state: {} }
  list.push(made)
  return made
}

export const runningIn = ({ status }: V1Pod): V1ContainerStatus[] =>
  [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].filter(
    ({ state }) => state?.running,
  )

/** Times in JSON are strings, though the client's types call them dates. */
export const timestamp = (): Date =>
  new Date().toISOString().replace(/\.\d+/, '') as unknown as Date

export const running = (): V1ContainerState => ({ running: { startedAt: timestamp() } })

export const terminated = ({ exitCode, reason, message }: End): V1ContainerState => ({
  terminated: {
    exitCode,
    reason: reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
    finishedAt: timestamp(),
    ...(message ? { message } : {}),
  },
})
