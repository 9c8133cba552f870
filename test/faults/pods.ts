import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import {
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node'
import { labels, readIdentity } from '../../src/cluster/job-identity.ts'
import type { TestControlPlane } from './control-plane.ts'
import type { Job, PodEnd } from './history.ts'
import type { PlannedPush } from './schedule.ts'
import { watchObjects } from './watch.ts'

/** What the pods of a commit do. */
export type PodPlan = Pick<PlannedPush, 'ends' | 'buildMs'>

/** What is seen of a build from its cluster, in this order. */
export type PodStep = 'Job made' | 'pod made' | 'pod running' | 'pod ended'

export interface PodsOptions {
  readonly plane: TestControlPlane
  /** By commit. */
  readonly plans: ReadonlyMap<string, PodPlan>
  readonly now: () => number
  /** Told of each step of each Job once. */
  readonly onStep: (step: PodStep, job: string) => void
}

export interface Pods {
  /** Every pod that there ever was, in the order in which they were made. */
  readonly jobs: readonly Job[]
  /** Those that have not ended, as they are in the cluster. */
  alive(): readonly V1Pod[]
  /** Remembers that a fault of this run takes a Job's pod away. */
  takes(job: string): void
  stop(): Promise<void>
}

/**
 * Tells kwok what becomes of each pod, keeps what became of it, and serves the logs of containers that do
 * not run: a pod's log ends with it.
 */
export async function followPods(options: PodsOptions): Promise<Pods> {
  const { plane, plans, now, onStep } = options
  const core = plane.config.makeApiClient(CoreV1Api)
  const stopped = new AbortController()
  const jobs: Job[] = []
  /** By the pod's uid. */
  const places = new Map<string, number>()
  const latest = new Map<string, V1Pod>()
  const identities = new Map<string, PromiseWithResolvers<V1Job>>()
  const taken = new Set<string>()
  const told = new Set<string>()
  const identity = (job: string): PromiseWithResolvers<V1Job> => {
    const known = identities.get(job) ?? Promise.withResolvers<V1Job>()
    identities.set(job, known)
    return known
  }
  const step = (name: PodStep, job: string): void => {
    const key = `${name} ${job}`
    if (told.has(key)) return
    told.add(key)
    onStep(name, job)
  }

  function jobChanged(job: V1Job): void {
    const name = job.metadata?.name ?? ''
    identity(name).resolve(job)
    step('Job made', name)
  }

  async function begin(pod: V1Pod, name: string, createdAt: number): Promise<void> {
    const { metadata } = await identity(name).promise
    const of = readIdentity(metadata?.annotations)
    if (!of) return
    const { repository, ref, sha, image, attempt } = of.build
    const open = { endedAt: undefined, end: undefined, taken: taken.has(name) }
    const seen = { repository: repository.path, ref, sha, image, attempt, createdAt }
    const uid = pod.metadata?.uid ?? ''
    places.set(uid, jobs.push({ name, ...seen, ...open }) - 1)
    const now = latest.get(uid)
    note(now ?? pod, now === undefined)
    const { ends = 'pushed', buildMs = 100 } = plans.get(sha) ?? {}
    await annotate(pod, {
      'kanihook.dev/simulated': 'true',
      'simulated/ends': ends,
      'simulated/build': `${buildMs}ms`,
      'simulated/grace': `${50 + (buildMs % 400)}ms`,
    })
  }

  async function annotate(pod: V1Pod, annotations: Readonly<Record<string, string>>) {
    const { name = '' } = pod.metadata ?? {}
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
    const body = { metadata: { annotations } }
    for (;;) {
      if (!latest.has(pod.metadata?.uid ?? '')) return
      try {
        await core.patchNamespacedPod({ name, namespace: plane.namespace, body }, merge)
        return
      } catch (error) {
        if (stopped.signal.aborted || (error as { code?: number }).code === 404) return
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }

  /** Brings what is known of a pod up to date. */
  function note(pod: V1Pod, gone: boolean): void {
    const place = places.get(pod.metadata?.uid ?? '')
    const job = place === undefined ? undefined : jobs[place]
    if (place === undefined || !job) return
    const end = job.end ?? endOf(pod)
    if (pod.status?.phase === 'Running') step('pod running', job.name)
    if (end) step('pod ended', job.name)
    const over = end !== undefined || gone
    const ended = over && job.endedAt === undefined ? { endedAt: now() } : {}
    const marks = { end: end ?? (gone ? 'removed' : undefined), taken: taken.has(job.name) }
    jobs[place] = { ...job, ...marks, ...ended }
  }

  function podChanged(pod: V1Pod, gone: boolean): void {
    const uid = pod.metadata?.uid ?? ''
    const job = pod.metadata?.labels?.[labels.job]
    if (job === undefined) return
    const isNew = !latest.has(uid) && !gone
    if (gone) latest.delete(uid)
    else latest.set(uid, pod)
    note(pod, gone)
    if (!isNew) return
    step('pod made', job)
    void begin(pod, job, now())
  }

  const watch = { config: plane.config, signal: stopped.signal }
  const { namespace } = plane
  const watching = Promise.all([
    watchObjects<V1Job>({
      ...watch,
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      changed: jobChanged,
    }),
    watchObjects<V1Pod>({
      ...watch,
      path: `/api/v1/namespaces/${namespace}/pods`,
      changed: podChanged,
    }),
  ])
  const logs = await serveLogs(plane, (name) => {
    const pod = [...latest.values()].find((each) => each.metadata?.name === name)
    return pod !== undefined && endOf(pod) === undefined
  })

  return {
    jobs,
    alive: () => [...latest.values()].filter((pod) => endOf(pod) === undefined),
    takes(name) {
      taken.add(name)
      for (const [place, job] of jobs.entries()) {
        if (job.name === name) jobs[place] = { ...job, taken: true }
      }
    },
    async stop() {
      stopped.abort()
      logs.closeAllConnections()
      logs.close()
      await watching
    },
  }
}

/** By its last container: an image that was pushed stays so, whatever the pod's phase says. */
function endOf({ status, metadata }: V1Pod): PodEnd | undefined {
  const last = status?.containerStatuses?.at(-1)?.state?.terminated
  if (last?.exitCode === 0) return 'pushed'
  if (last && !metadata?.deletionTimestamp && status?.reason !== 'Evicted') return 'failed'
  return status?.phase === 'Failed' ? 'removed' : undefined
}

/** The nodes' end of `kubectl logs`. */
async function serveLogs(plane: TestControlPlane, runs: (pod: string) => boolean) {
  const { port, certificate } = plane.kubelet
  const [cert, key] = await Promise.all([readFile(certificate.cert), readFile(certificate.key)])
  const server = createServer({ cert, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://node')
    const [, , , pod = ''] = pathname.split('/')
    const time = searchParams.get('timestamps') ? `${new Date().toISOString()} ` : ''
    response.write(`${time}[simulated] Nothing runs in this container\n`)
    const timer = setInterval(() => {
      if (searchParams.get('follow') && runs(pod)) return
      clearInterval(timer)
      response.end()
    }, 100)
    response.on('close', () => clearInterval(timer))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}
