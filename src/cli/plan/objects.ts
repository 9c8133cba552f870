import type { KubernetesObject, V1Secret } from '@kubernetes/client-node'
import type { Build, PartRecord } from '../../builds/build.ts'
import { indexPart, openParts, type Part } from '../../builds/parts.ts'
import { buildManifest } from '../../cluster/build-manifest.ts'
import type { GitAccess } from '../../builds/ports.ts'
import { secretOf } from '../../cluster/clone-secret.ts'
import type { JobSettings } from '../../cluster/job-manifest.ts'

/** A Job, and what is made for it. */
export interface JobObjects {
  /**
   * The clone's login without its password, and without the Job's uid, which only the cluster gives.
   * Undefined: nothing is cloned, or the clone reads the entry's `cloneSecret`.
   */
  readonly secret: V1Secret | undefined
  /** Exactly the Job or TaskRun that a worker makes. */
  readonly job: KubernetesObject
}

/** Stands for what only the platforms' Jobs tell. */
const unknownDigest = `sha256:${'0'.repeat(64)}`

/** What is created in the cluster for a build, in order. Pure. */
export function buildObjects(
  build: Build,
  { url: cloneUrl, otherUrl, login }: GitAccess,
  installation: JobSettings,
): readonly JobObjects[] {
  const { namespace = installation.namespace } = build.plan
  const settings = { ...installation, namespace }
  // Without a password the clone asks for none: right for what everybody may read.
  const credential =
    build.plan.cloneSecret === undefined && 'username' in login
      ? { username: login.username, password: '' }
      : undefined
  const objects = (part: Part, of: Build): JobObjects => {
    const own = part === indexPart ? undefined : credential
    const request = { build: of, part, tries: 1, cloneUrl, otherUrl, credential: own }
    const job = buildManifest(request, settings)
    const secret = own && secretOf(job, namespace, own)
    delete secret?.metadata?.ownerReferences
    return { secret, job }
  }
  const { platforms } = build.plan
  const jobs = openParts(build).map((part) => objects(part, build))
  if (!platforms) return jobs
  const done: PartRecord = { tries: 1, digest: unknownDigest }
  const parts = Object.fromEntries(platforms.map((platform) => [platform, done]))
  return [...jobs, objects(indexPart, { ...build, parts })]
}
