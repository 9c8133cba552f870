import type { CoreV1Api, KubernetesObject, V1Secret } from '@kubernetes/client-node'
import type { GitCredential } from '../builds/ports.ts'
import { RetryLater } from '../errors.ts'
import { orAbsent, refused, statusOf, unanswered, within } from './api-call.ts'
import { labels } from './job-identity.ts'

/** The login of a Job's clone container, in a Secret of the Job's name. */
export interface CloneSecrets {
  /**
   * Gives it to a Job that exists: the Secret is the Job's and is collected with it, however that
   * ends. A pod that is quicker waits for its Secret. Errors as `Cluster.start`.
   */
  give(job: KubernetesObject, credential: GitCredential): Promise<void>
  /** Nothing there is fine. Throws RetryLater when the API does not answer. */
  forget(job: string): Promise<void>
}

export function createCloneSecrets(options: {
  readonly api: CoreV1Api
  readonly namespace: string
  readonly requestTimeoutMs: number
}): CloneSecrets {
  const { api, namespace, requestTimeoutMs } = options
  const bounded = (): ReturnType<typeof within> => within(requestTimeoutMs)

  async function forget(name: string): Promise<void> {
    try {
      await orAbsent(api.deleteNamespacedSecret({ name, namespace }, bounded()))
    } catch (error) {
      throw unanswered(`Secret ${name} cannot be deleted`, error)
    }
  }

  /** Whether the Secret of that name belongs to this very Job and not to one before it. */
  async function belongsTo(name: string, uid: string | undefined): Promise<boolean> {
    const secret = await orAbsent(api.readNamespacedSecret({ name, namespace }, bounded()))
    return secret?.metadata?.ownerReferences?.some((owner) => owner.uid === uid) ?? false
  }

  async function give(job: KubernetesObject, credential: GitCredential): Promise<void> {
    const body = secretOf(job, namespace, credential)
    const name = body.metadata?.name ?? ''
    try {
      await api.createNamespacedSecret({ namespace, body }, bounded())
    } catch (error) {
      const what = `Secret ${name} cannot be created`
      if (statusOf(error) !== 409) throw refused(what, error)
      const mine = await belongsTo(name, job.metadata?.uid).catch((cause: unknown) => {
        throw unanswered(what, cause)
      })
      if (mine) return
      await forget(name)
      throw new RetryLater(`${what}: an older Job's was still there`, { afterMs: 500 })
    }
  }

  return { give, forget }
}

/** The Secret of a Job (or TaskRun) that exists. Pure. */
export function secretOf(
  job: KubernetesObject,
  namespace: string,
  { username, password }: GitCredential,
): V1Secret {
  const { apiVersion = '', kind = '', metadata } = job
  const { name = '', uid = '', labels: ofJob = {} } = metadata ?? {}
  const managed = { [labels.managedBy]: 'kanihook', [labels.job]: ofJob[labels.job] ?? name }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      labels: managed,
      ownerReferences: [{ apiVersion, kind, name, uid }],
    },
    immutable: true,
    type: 'Opaque',
    stringData: { GIT_USERNAME: username, GIT_PASSWORD: password },
  }
}
