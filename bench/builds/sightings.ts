import { setTimeout as sleep } from 'node:timers/promises'
import {
  BatchV1Api,
  CoreV1Api,
  makeInformer,
  type Informer,
  type KubeConfig,
  type KubernetesObject,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node'

/** When a watch first saw what became of a Job, in milliseconds since the epoch. */
export interface Sighting {
  readonly job: V1Job
  readonly createdAt: number
  /** Its build container is `terminated`. */
  readonly endedAt?: number
  /** Its condition `Complete` is true. */
  readonly completeAt?: number
  /** Why its condition `Failed` is true. */
  readonly failed?: string
}

export interface Sightings {
  readonly all: () => readonly Sighting[]
  readonly of: (job: string) => Sighting | undefined
  close(): Promise<void>
}

/** Set by the Job controller on every pod. */
const jobNameLabel = 'batch.kubernetes.io/job-name'

/** The API's timestamps have whole seconds, so the times are those at which its watch tells. */
export async function watchJobs(kubeConfig: KubeConfig, namespace: string): Promise<Sightings> {
  const batch = kubeConfig.makeApiClient(BatchV1Api)
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const jobs = new Map<string, Sighting>()
  const ended = new Map<string, number>()
  let closed = false

  function seeJob(job: V1Job): void {
    const name = job.metadata?.name ?? ''
    const now = Date.now()
    const known = jobs.get(name) ?? { job, createdAt: now }
    const condition = (type: string) =>
      job.status?.conditions?.find((one) => one.type === type && one.status === 'True')
    const failed = condition('Failed')
    jobs.set(name, {
      ...known,
      ...(condition('Complete') && { completeAt: known.completeAt ?? now }),
      ...(failed && { failed: failed.message ?? 'no reason given' }),
    })
  }

  function seePod(pod: V1Pod): void {
    const job = pod.metadata?.labels?.[jobNameLabel] ?? ''
    const container = pod.status?.containerStatuses?.find((status) => status.name === 'build')
    if (container?.state?.terminated && !ended.has(job)) ended.set(job, Date.now())
  }

  function follow<T extends KubernetesObject>(informer: Informer<T>, see: (it: T) => void): void {
    informer.on('add', see)
    informer.on('update', see)
    informer.on('error', () => void again(informer))
  }

  /** An informer stops at its first error, and closing it is one. */
  async function again<T extends KubernetesObject>(informer: Informer<T>): Promise<void> {
    await sleep(50)
    if (!closed) await informer.start().catch(() => again(informer))
  }

  const path = `/namespaces/${namespace}`
  const ofJobs = makeInformer(kubeConfig, `/apis/batch/v1${path}/jobs`, () =>
    batch.listNamespacedJob({ namespace }),
  )
  const ofPods = makeInformer(kubeConfig, `/api/v1${path}/pods`, () =>
    core.listNamespacedPod({ namespace }),
  )
  follow(ofJobs, seeJob)
  follow(ofPods, seePod)
  await Promise.all([ofJobs.start(), ofPods.start()])

  const sighting = (name: string): Sighting | undefined => {
    const job = jobs.get(name)
    const endedAt = ended.get(name)
    return job && endedAt !== undefined ? { ...job, endedAt } : job
  }
  return {
    of: sighting,
    all: () => [...jobs.keys()].map(sighting).filter((one) => one !== undefined),
    async close() {
      closed = true
      await Promise.all([ofJobs.stop(), ofPods.stop()])
    },
  }
}
