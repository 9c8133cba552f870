import { setTimeout as sleep } from 'node:timers/promises'
import { readIdentity } from '../../src/cluster/job-identity.ts'
import {
  createScriptedRunner,
  startKubernetes,
  type Kubernetes,
  type PodRunner,
  type Script,
} from '../stand-ins/kubernetes/index.ts'
import type { Job } from './history.ts'
import type { PlannedPush } from './schedule.ts'

/** What the pods of a commit do. */
export type PodPlan = Pick<PlannedPush, 'ends' | 'buildMs'>

interface ClusterOptions {
  /** By commit. */
  readonly plans: ReadonlyMap<string, PodPlan>
  /** Is told of every Job. */
  readonly jobs: Job[]
  readonly now: () => number
}

/** The stand-in for Kubernetes. Its pods are simulated: they wait, and say how they ended. */
export async function startSimulatedCluster({
  plans,
  jobs,
  now,
}: ClusterOptions): Promise<Kubernetes> {
  const scripted = createScriptedRunner()
  const ends = new Map<string, Job['end']>()
  const script: Script = async (pod) => {
    const sha = identityOf(pod.job)?.build.sha ?? ''
    const { buildMs = 0, ends: end = 'pushed' } = plans.get(sha) ?? {}
    pod.clone()
    pod.begin('build')
    await sleep(buildMs, undefined, { signal: pod.signal })
    if (end === 'pushed') pod.pushed()
    else {
      pod.log('build', 'error building image: failed to get file info for Dockerfile')
      pod.finish('build', { exitCode: 1 })
    }
    ends.set(pod.pod.metadata?.uid ?? '', end)
  }
  scripted.byDefault(script)

  const run: PodRunner = async (pod) => {
    const identity = identityOf(pod.job)
    if (!identity) throw new Error(`${pod.job} does not say whose it is`)
    const { repository, ref, sha, image, attempt } = identity.build
    const { path } = repository
    const job = { name: pod.job, repository: path, ref, sha, image, attempt, createdAt: now() }
    const place = jobs.push({ ...job, endedAt: undefined, end: undefined }) - 1
    try {
      await scripted.run(pod)
    } finally {
      const end = ends.get(pod.pod.metadata?.uid ?? '') ?? 'removed'
      jobs[place] = { ...job, endedAt: now(), end }
    }
  }
  const cluster = await startKubernetes({ runner: run })
  const identityOf = (job: string): ReturnType<typeof readIdentity> =>
    readIdentity(cluster.job(job)?.metadata?.annotations)
  return cluster
}
