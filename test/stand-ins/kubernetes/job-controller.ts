import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { V1Job, V1JobCondition, V1Pod } from '@kubernetes/client-node'
import type { ContainerLogs } from './container-logs.ts'
import { createPodHandle } from './live-pod.ts'
import { createPatch, warn } from './patch.ts'
import { runningIn, terminated, timestamp, type PodRunner } from './pod-handle.ts'
import type { Store } from './store.ts'

export interface JobControllerOptions {
  readonly store: Store
  readonly logs: ContainerLogs
  readonly runner: PodRunner
  /** From a container's end to the pod's phase, and from there to the Job's condition: 1 s each in reality. */
  readonly lagMs: number
  /** Why no pod can be created (a quota, Pod Security), if so. */
  readonly podRefusal: () => string | undefined
}

/** What the Job controller, the garbage collector and the kubelet do between them. */
export interface JobController {
  created(job: V1Job): void
  deleteJob(job: V1Job, propagation: string): void
  deletePod(pod: V1Pod, force: boolean): void
  /** Ends every pod and waits until its runner has returned. */
  stop(): Promise<void>
}

interface LivePod {
  readonly pod: V1Pod
  readonly ending: AbortController
  /** Resolves when the runner has returned. */
  over: Promise<void>
  /** Resolves when the node lets go of the pod. */
  released: Promise<void>
}

export function createJobController(options: JobControllerOptions): JobController {
  const { store, logs, runner, lagMs, podRefusal } = options
  const live = new Map<V1Pod, LivePod>()
  const deadlines = new Map<V1Job, NodeJS.Timeout>()
  const stopping = new AbortController()
  const stopped = new Promise((resolve) => stopping.signal.addEventListener('abort', resolve))
  const patch = createPatch(store)

  function created(job: V1Job): void {
    patch.status('jobs', job, { startTime: timestamp() })
    const seconds = job.spec?.activeDeadlineSeconds
    if (seconds !== undefined) {
      // Longer than a timer can be is as good as never.
      const timer = setTimeout(() => overdue(job), Math.min(seconds * 1000, 2 ** 31 - 1))
      deadlines.set(job, timer.unref())
    }
    createPod(job)
  }

  function createPod(job: V1Job): void {
    const refusal = podRefusal()
    if (refusal !== undefined) {
      const { name = '' } = job.metadata ?? {}
      warn(store, job, 'FailedCreate', `Error creating: pods "${name}-" is forbidden: ${refusal}`)
      return
    }
    const { name = '', namespace = '', uid = '' } = job.metadata ?? {}
    const template = job.spec?.template
    const pod = store.create('pods', namespace, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${name}-${randomBytes(3).toString('hex').slice(0, 5)}`,
        labels: { ...template?.metadata?.labels, 'batch.kubernetes.io/job-name': name },
        annotations: { ...template?.metadata?.annotations },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }],
      },
      ...(template?.spec ? { spec: template.spec } : {}),
      status: { phase: 'Pending' },
    })
    patch.status('jobs', job, { active: 1 })
    const entry: LivePod = {
      pod,
      ending: new AbortController(),
      over: Promise.resolve(),
      released: Promise.resolve(),
    }
    live.set(pod, entry)
    const handle = createPodHandle({
      store,
      logs,
      job: name,
      pod,
      signal: entry.ending.signal,
      settle: (phase) => settle(job, pod, phase),
      vanish: () => deletePod(pod, true),
      stayUntil: (released) => void (entry.released = released),
    })
    entry.over = runner(handle).catch((error: unknown) => {
      if (!entry.ending.signal.aborted) handle.fail('RunnerError', String(error))
    })
  }

  /** The pod's phase follows its container, and the Job's condition its pod. */
  function settle(job: V1Job, pod: V1Pod, phase: 'Succeeded' | 'Failed'): void {
    void (async () => {
      await delay(lagMs, undefined, { signal: stopping.signal })
      patch.status('pods', pod, { phase })
      await delay(lagMs, undefined, { signal: stopping.signal })
      if (phase === 'Succeeded') conclude(job, { type: 'Complete', status: 'True' })
      else conclude(job, backoff)
    })().catch(() => undefined)
  }

  function conclude(job: V1Job, condition: V1JobCondition): void {
    if (job.status?.conditions?.some(({ type }) => type === 'Failed' || type === 'Complete')) return
    clearTimeout(deadlines.get(job))
    const count = condition.type === 'Complete' ? { succeeded: 1 } : { failed: 1 }
    const { startTime } = job.status ?? {}
    store.update('jobs', job, () => {
      job.status = { ...(startTime ? { startTime } : {}), ...count, conditions: [condition] }
    })
  }

  function overdue(job: V1Job): void {
    const reason = 'DeadlineExceeded'
    const message = 'Job was active longer than specified deadline'
    const condition = { type: 'FailureTarget', status: 'True', reason, message }
    patch.status('jobs', job, { conditions: [condition] })
    void Promise.all(podsOf(job).map((pod) => endPod(pod))).then(() =>
      conclude(job, { type: 'Failed', status: 'True', reason, message }),
    )
  }

  const podsOf = (job: V1Job): V1Pod[] =>
    store
      .list('pods', job.metadata?.namespace ?? '')
      .filter((pod) => pod.metadata?.ownerReferences?.some(({ uid }) => uid === job.metadata?.uid))

  /** Tells the pod to end and waits until its runner has. */
  async function endPod(pod: V1Pod): Promise<void> {
    const entry = live.get(pod)
    patch.metadata('pods', pod, { deletionTimestamp: timestamp() })
    entry?.ending.abort()
    await entry?.over
    await Promise.race([entry?.released, stopped])
    live.delete(pod)
    // A kubelet tells how each container ended before it lets the pod go.
    store.update('pods', pod, () => {
      for (const status of runningIn(pod)) status.state = terminated({ exitCode: 137 })
    })
    logs.drop(pod.metadata?.name ?? '')
    store.remove('pods', pod)
  }

  function deletePod(pod: V1Pod, force: boolean): void {
    const owner = pod.metadata?.ownerReferences?.[0]?.name ?? ''
    const job = store.find('jobs', pod.metadata?.namespace ?? '', owner)
    if (force) {
      logs.drop(pod.metadata?.name ?? '')
      store.remove('pods', pod)
    }
    void endPod(pod).then(() => job && conclude(job, backoff))
  }

  function deleteJob(job: V1Job, propagation: string): void {
    clearTimeout(deadlines.get(job))
    deadlines.delete(job)
    if (propagation === 'Orphan') return removeJob(job)
    if (propagation === 'Background') {
      removeJob(job)
      for (const pod of podsOf(job)) void endPod(pod)
      return
    }
    if (job.metadata?.deletionTimestamp) return
    const finalizers = ['foregroundDeletion']
    patch.metadata('jobs', job, { deletionTimestamp: timestamp(), finalizers })
    void Promise.all(podsOf(job).map((pod) => endPod(pod))).then(() => removeJob(job))
  }

  /** What the Job owned goes with it. */
  function removeJob(job: V1Job): void {
    store.remove('jobs', job)
    for (const secret of store.list('secrets', job.metadata?.namespace ?? '')) {
      const owners = secret.metadata?.ownerReferences ?? []
      if (owners.some(({ uid }) => uid === job.metadata?.uid)) store.remove('secrets', secret)
    }
  }

  return {
    created,
    deleteJob,
    deletePod,
    async stop() {
      stopping.abort()
      for (const timer of deadlines.values()) clearTimeout(timer)
      await Promise.all([...live.keys()].map((pod) => endPod(pod)))
    },
  }
}

const backoff: V1JobCondition = {
  type: 'Failed',
  status: 'True',
  reason: 'BackoffLimitExceeded',
  message: 'Job has reached the specified backoff limit',
}
