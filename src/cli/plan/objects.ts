import type { V1Job, V1Secret } from '@kubernetes/client-node'
import type { Build } from '../../builds/build.ts'
import { jobManifest, type JobSettings } from '../../cluster/job-manifest.ts'
import { secretOf } from '../../cluster/clone-secret.ts'

export interface BuildObjects {
  /** The clone's login without its password, and without the Job's uid, which only the cluster gives. */
  readonly secret: V1Secret
  /** Exactly the Job that a worker makes. */
  readonly job: V1Job
}

/** What is created in the cluster for a build. Pure. */
export function buildObjects(
  build: Build,
  { cloneUrl, username }: { readonly cloneUrl: string; readonly username: string },
  settings: JobSettings,
): BuildObjects {
  // Without a password the clone asks for none: right for what everybody may read.
  const credential = { username, password: '' }
  const job = jobManifest({ build, tries: 1, cloneUrl, credential }, settings)
  const secret = secretOf(job, settings.namespace, credential)
  delete secret.metadata?.ownerReferences
  return { secret, job }
}
