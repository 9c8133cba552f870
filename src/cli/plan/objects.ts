import type { KubernetesObject, V1Secret } from '@kubernetes/client-node'
import type { Build } from '../../builds/build.ts'
import { buildManifest } from '../../cluster/build-manifest.ts'
import type { GitAccess } from '../../builds/ports.ts'
import { secretOf } from '../../cluster/clone-secret.ts'
import type { JobSettings } from '../../cluster/job-manifest.ts'

export interface BuildObjects {
  /**
   * The clone's login without its password, and without the Job's uid, which only the cluster gives.
   * Undefined: the clone reads the entry's `cloneSecret`.
   */
  readonly secret: V1Secret | undefined
  /** Exactly the Job or TaskRun that a worker makes. */
  readonly job: KubernetesObject
}

/** What is created in the cluster for a build. Pure. */
export function buildObjects(
  build: Build,
  { url: cloneUrl, otherUrl, login }: GitAccess,
  settings: JobSettings,
): BuildObjects {
  // Without a password the clone asks for none: right for what everybody may read.
  const credential =
    build.plan.cloneSecret === undefined && 'username' in login
      ? { username: login.username, password: '' }
      : undefined
  const job = buildManifest({ build, tries: 1, cloneUrl, otherUrl, credential }, settings)
  const secret = credential && secretOf(job, settings.namespace, credential)
  delete secret?.metadata?.ownerReferences
  return { secret, job }
}
