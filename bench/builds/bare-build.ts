import { BatchV1Api, CoreV1Api, type KubeConfig, type V1Job } from '@kubernetes/client-node'
import { buildId, type Build } from '../../src/builds/build.ts'
import type { GitCredential, JobRequest } from '../../src/builds/ports.ts'
import { createCloneSecrets } from '../../src/cluster/clone-secret.ts'
import { readIdentity } from '../../src/cluster/job-identity.ts'
import { jobManifest, type JobSettings } from '../../src/cluster/job-manifest.ts'
import { eventually } from '../../test/support/eventually.ts'
import { patienceMs } from './kanihook-build.ts'
import type { Sightings } from './sightings.ts'

/** One build without kanihook: when what happened, in milliseconds since the epoch. */
export interface BareBuild {
  readonly createAt: number
  readonly endedAt: number
  readonly completeAt: number
}

export interface BareSource {
  readonly cloneUrl: string
  readonly credential: GitCredential
  /** The repository's id and `owner/name`, and a commit that is there already. */
  readonly id: string
  readonly path: string
  readonly sha: string
}

/**
 * A Job as kanihook made one for another repository, for this source: the same containers, cache,
 * and limits. Without kanihook's labels and annotations, so that kanihook takes no notice of it.
 */
export function bareManifest(like: V1Job, source: BareSource, settings: JobSettings): V1Job {
  const identity = readIdentity(like.metadata?.annotations)
  if (!identity) throw new Error('this Job is not one of kanihook')
  const { build: template } = identity
  const { id, path, sha, cloneUrl, credential } = source
  const repository = { ...template.repository, id, path }
  const moved = (text: string): string => text.replaceAll(template.repository.path, path)
  const { plan } = template
  const build: Build = {
    ...template,
    repository,
    sha,
    id: buildId({ ...template, repository, sha }),
    plan: {
      ...plan,
      destinations: plan.destinations.map(moved),
      cache: { ...plan.cache, repository: moved(plan.cache.repository) },
    },
    state: 'starting',
    createdAt: Date.now(),
    endedAt: undefined,
    steps: [],
    outcome: undefined,
    tries: 1,
    stop: undefined,
    protected: false,
  }
  const request: JobRequest = { build, tries: 1, cloneUrl, credential }
  const manifest = jobManifest(request, settings)
  for (const metadata of [manifest.metadata, manifest.spec?.template.metadata]) {
    delete metadata?.labels
    delete metadata?.annotations
  }
  return manifest
}

/** Creates the Job and the Secret of its clone, as kanihook does, and only waits. */
export async function buildBarely(
  kubeConfig: KubeConfig,
  sightings: Sightings,
  manifest: V1Job,
  credential: GitCredential,
): Promise<BareBuild> {
  const { name = '', namespace = '' } = manifest.metadata ?? {}
  const batch = kubeConfig.makeApiClient(BatchV1Api)
  const api = kubeConfig.makeApiClient(CoreV1Api)
  const secrets = createCloneSecrets({ api, namespace, requestTimeoutMs: 10_000 })
  const createAt = Date.now()
  await secrets.give(await batch.createNamespacedJob({ namespace, body: manifest }), credential)
  const end = await eventually(
    () => {
      const { endedAt, completeAt, failed } = sightings.of(name) ?? {}
      if (failed !== undefined) return { failed }
      return endedAt && completeAt ? { endedAt, completeAt } : undefined
    },
    { within: patienceMs, what: `the bare Job ${name} is complete` },
  )
  if ('failed' in end) throw new Error(`builds: the bare Job ${name} failed: ${end.failed}`)
  return { createAt, ...end }
}
