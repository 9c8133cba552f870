import type { CoreV1Api, CoreV1Event, KubernetesObject, V1Pod } from '@kubernetes/client-node'
import type { JobObservation } from '../builds/ports.ts'
import { orAbsent, unanswered, within } from './api-call.ts'
import type { Backend } from './backend.ts'
import { ofJob } from './job-identity.ts'
import { announcesNode, warning } from './observation.ts'

export interface FoundJob {
  /** The Job, or the TaskRun. */
  readonly job: KubernetesObject | undefined
  /** The newest pod of the Job. */
  readonly pod: V1Pod | undefined
  /** Every pod that carries the Job's name, of an earlier Job too. */
  readonly pods: readonly V1Pod[]
}

export interface JobLookup {
  /** Reads the Job and then its pods, in this order. Throws RetryLater. */
  find(name: string): Promise<FoundJob>
  /** What the events say against the object, if anything; a refusal to tell is no error. */
  complaint(uid: string | undefined): Promise<JobObservation['waiting']>
  /** Whether an event of the pod says that a node is added for it; as above. */
  nodeComing(uid: string | undefined): Promise<boolean>
}

export function createJobLookup(options: {
  readonly backend: Pick<Backend, 'kind' | 'read'>
  readonly core: CoreV1Api
  readonly namespace: string
  readonly requestTimeoutMs: number
}): JobLookup {
  const { backend, core, namespace, requestTimeoutMs } = options
  const bounded = (): ReturnType<typeof within> => within(requestTimeoutMs)

  async function events(uid: string | undefined): Promise<readonly CoreV1Event[]> {
    if (uid === undefined) return []
    const list = { namespace, fieldSelector: `involvedObject.uid=${uid}` }
    const found = await core.listNamespacedEvent(list, bounded()).catch(() => undefined)
    return found?.items ?? []
  }

  return {
    async find(name) {
      try {
        const job = await orAbsent(backend.read(name, bounded()))
        const list = { namespace, labelSelector: ofJob(name) }
        const { items: pods } = await core.listNamespacedPod(list, bounded())
        return { job, pod: newest(job ? pods.filter((pod) => isOf(pod, job)) : pods), pods }
      } catch (error) {
        throw unanswered(`${backend.kind} ${name} cannot be read`, error)
      }
    },
    complaint: async (uid) => warning(await events(uid)),
    nodeComing: async (uid) => (await events(uid)).some(announcesNode),
  }
}

const isOf = (pod: V1Pod, job: KubernetesObject): boolean =>
  pod.metadata?.ownerReferences?.some(({ uid }) => uid === job.metadata?.uid) ?? false

const newest = (pods: readonly V1Pod[]): V1Pod | undefined =>
  pods.toSorted((one, other) => createdAt(other) - createdAt(one))[0]

const createdAt = (pod: V1Pod): number => new Date(pod.metadata?.creationTimestamp ?? 0).getTime()
