import type { KubeConfig } from '@kubernetes/client-node'
import type { BackendName } from '../../../src/builds/build.ts'
import type { JobRequest } from '../../../src/builds/ports.ts'
import type { BuildImages, RegistrySettings } from '../../../src/settings/settings.ts'

/**
 * What a build of the contract does.
 * - `succeeds`: pushes its one destination.
 * - `fails`: a RUN step exits with 42.
 * - `talks`: writes `line 1` to `line 20` over a second or more, each at the start of its line, and
 *   succeeds.
 * - `hangs`: runs until it is removed.
 */
export type Behaviour = 'succeeds' | 'fails' | 'talks' | 'hangs'

/** A cluster, real or not, that the contract can be tried on. */
export interface ClusterUnderTest extends BuildImages {
  /** With kanihook's own permissions. */
  readonly kubeConfig: KubeConfig
  /** To see and do what a person can. */
  readonly adminKubeConfig: KubeConfig
  readonly namespace: string
  /** What builds are in the cluster; Jobs unless said. */
  readonly backend?: BackendName
  /** Where it is set, clone and Kaniko are started together. */
  readonly kanikoShell?: string
  /** The name of an image that cannot be pulled. */
  readonly missingImage: string
  readonly registries: readonly RegistrySettings[]
  /** How long a pod may take to start or to end, in milliseconds. */
  readonly patienceMs: number
  /** A request for a new build, with a credential, unlike any other. */
  request(behaviour: Behaviour): Promise<JobRequest>
  close(): Promise<void>
}
