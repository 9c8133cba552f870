import { setTimeout as delay } from 'node:timers/promises'
import { CoreV1Api, type KubeConfig, type KubernetesObject } from '@kubernetes/client-node'
import type { BackendName } from '../builds/build.ts'
import { phaseOf, type ContainerName } from '../builds/containers.ts'
import type { Cluster, JobObservation, JobRequest } from '../builds/ports.ts'
import { isCloned } from '../builds/progress.ts'
import type { KeptJob } from '../builds/restore.ts'
import { PermanentError, RetryLater } from '../errors.ts'
import type { RegistrySettings } from '../settings/settings.ts'
import { orAbsent, refused, statusOf, unanswered, within } from './api-call.ts'
import type { Backend } from './backend.ts'
import { createCloneSecrets } from './clone-secret.ts'
import { createHints, type Hints } from './hints.ts'
import { createJobBackend } from './job-backend.ts'
import { ofBuilds, readIdentity } from './job-identity.ts'
import { createJobLookup } from './job-lookup.ts'
import type { JobSettings } from './job-manifest.ts'
import { podLogs } from './pod-logs.ts'
import { watchPods } from './pod-watch.ts'
import { createRemoval } from './removal.ts'
import { createTektonBackend } from './tekton/backend.ts'

export interface KubernetesClusterOptions extends Omit<JobSettings, 'registries'> {
  readonly kubeConfig: KubeConfig
  /** What a build is in the cluster; a Job unless said. */
  readonly backend?: BackendName
  /** Read anew for each Job: kanihook.yaml may change. */
  readonly registries: () => readonly RegistrySettings[]
  /** How long the API may take to answer, in milliseconds; 10 s unless said. */
  readonly requestTimeoutMs?: number
  /** Told when the watch was lost; it is taken up again by itself. */
  readonly onWatchLost?: (message: string) => void
  /** Told of every build's pod by the watch of whoever watches; its own unless said. */
  readonly hints?: Hints
}

export interface KubernetesCluster extends Cluster {
  /** Watches the builds' pods until the signal aborts; without it `changed` only waits. Never rejects. */
  watch(signal: AbortSignal): Promise<void>
  /**
   * Every Job of kanihook's that is not being deleted, whoever made it. Empty where the cluster has no such kind,
   * or lets kanihook see none of them. Throws RetryLater.
   */
  kept(): Promise<readonly KeptJob[]>
  /** Asks the API whether it lets kanihook see its Jobs. Throws RetryLater with the reason. */
  check(): Promise<void>
}

/** How often is looked again for what no hint announces, in milliseconds. */
const pollMs = 300

const backends: Readonly<
  Record<BackendName, (kubeConfig: KubeConfig, namespace: string) => Backend>
> = { job: createJobBackend, tekton: createTektonBackend }

/** The `Cluster` port on the Kubernetes API: one Job or TaskRun with one pod for each try of a build. */
export function createKubernetesCluster(options: KubernetesClusterOptions): KubernetesCluster {
  const { kubeConfig, namespace, requestTimeoutMs = 10_000, onWatchLost = () => {} } = options
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const bounded = (): ReturnType<typeof within> => within(requestTimeoutMs)
  const backend = backends[options.backend ?? 'job'](kubeConfig, namespace)
  const { kind, observation } = backend
  const lookup = createJobLookup({ backend, core, namespace, requestTimeoutMs })
  const secrets = createCloneSecrets({ api: core, namespace, requestTimeoutMs })
  const hints = options.hints ?? createHints()
  const remove = createRemoval({ backend, lookup, secrets, hints, deleteJob })

  async function start(request: JobRequest): Promise<'created' | 'adopted'> {
    const body = backend.manifest(request, { ...options, registries: options.registries() })
    const { job, how } = await createOrAdopt(body, request)
    const { credential } = request
    if (credential && (how === 'created' || !(await hasCloned(job)))) {
      await secrets.give(job, credential).catch(async (error: unknown) => {
        // Without its Secret the pod would wait in vain.
        if (error instanceof PermanentError) await deleteJob(job.metadata?.name ?? '')
        throw error
      })
    }
    return how
  }

  async function createOrAdopt(
    body: KubernetesObject,
    request: JobRequest,
  ): Promise<{ job: KubernetesObject; how: 'created' | 'adopted' }> {
    const name = body.metadata?.name ?? ''
    try {
      return { job: await backend.create(body, bounded()), how: 'created' }
    } catch (error) {
      const why = backend.whyRefused?.(error)
      if (why !== undefined) throw new PermanentError(why, { cause: error })
      if (statusOf(error) !== 409) throw refused(backend.notCreated(name), error)
    }
    const { job } = await lookup.find(name)
    const identity = readIdentity(job?.metadata?.annotations)
    const same = identity?.build.id === request.build.id && identity.tries === request.tries
    if (!job || !same || job.metadata?.deletionTimestamp) {
      throw new RetryLater(`A ${kind} called ${name} is still there`, { afterMs: 1_000 })
    }
    return { job, how: 'adopted' }
  }

  async function hasCloned(job: KubernetesObject): Promise<boolean> {
    const { pod } = await lookup.find(job.metadata?.name ?? '')
    return isCloned(observation(job, pod))
  }

  async function deleteJob(name: string): Promise<void> {
    try {
      await orAbsent(backend.delete(name, bounded()))
    } catch (error) {
      throw unanswered(`${kind} ${name} cannot be deleted`, error)
    }
  }

  async function started(name: string, container: ContainerName, signal: AbortSignal) {
    while (!signal.aborted) {
      const found = await lookup.find(name).catch(() => undefined)
      if (found) {
        const { phase, ends } = observation(found.job, found.pod)
        const pod = found.pod?.metadata?.name
        const ended = ends[container] !== undefined
        if (pod !== undefined && (ended || phase === phaseOf[container])) return { pod, ended }
        if (phase === 'ended' || phase === 'absent') return undefined
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined)
    }
    return undefined
  }

  return {
    start,

    async observe(name) {
      hints.look(name)
      const { job, pod } = await lookup.find(name)
      const seen = observation(job, pod)
      if (seen.phase === 'ended' || seen.phase === 'absent') hints.forget(name)
      if (seen.phase !== 'pending') return seen
      const { uid } = (pod ?? job)?.metadata ?? {}
      if (seen.waiting?.reason === 'Unschedulable' && (await lookup.nodeComing(uid))) {
        return { ...seen, waiting: { ...seen.waiting, nodeComing: true } }
      }
      const waiting = seen.waiting ?? (await lookup.complaint(uid))
      return waiting ? { ...seen, waiting } : seen
    },

    changed: (name, ms, signal) => hints.wait(name, ms, signal),

    logs: (name, container, signal) =>
      podLogs({
        kubeConfig,
        namespace,
        container,
        inPod: backend.container(container),
        signal,
        started: () => started(name, container, signal),
      }),

    forgetCredential: (name) => secrets.forget(name),

    remove,

    watch: (signal) =>
      watchPods(
        { kubeConfig, api: core, namespace, requestTimeoutMs, hints, onLost: onWatchLost },
        signal,
      ),

    async kept() {
      try {
        const found = await backend.list(ofBuilds, bounded())
        return found.flatMap((job) => keptJob(job, observation(job, undefined)))
      } catch (error) {
        const status = statusOf(error)
        if (status === 403 || status === 404) return []
        throw unanswered(`${kind}s cannot be listed`, error)
      }
    },

    async check() {
      try {
        await backend.probe(bounded())
      } catch (error) {
        throw unanswered('Kubernetes', error)
      }
    },
  }
}

function keptJob({ metadata }: KubernetesObject, { phase }: JobObservation): KeptJob[] {
  const identity = readIdentity(metadata?.annotations)
  if (!identity || metadata?.deletionTimestamp) return []
  const createdAt = new Date(metadata?.creationTimestamp ?? 0).getTime()
  return [{ ...identity, name: metadata?.name ?? '', createdAt, ended: phase === 'ended' }]
}
