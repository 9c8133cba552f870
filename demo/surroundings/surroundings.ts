import type { Registry } from '../../test/cluster/registry.ts'
import type { DemoForge } from '../forge/forge.ts'

/** Everything around kanihook that the demo runs it with. */
export interface Surroundings {
  /** What it is, and what of it is not real, as lines for a person. */
  readonly clusterFacts: readonly string[]
  readonly registryFacts: readonly string[]
  readonly forge: DemoForge
  /** Paths of kubeconfigs: kanihook's own, and one that may make Secrets. */
  readonly kubeconfig: string
  readonly adminKubeconfig: string
  readonly namespace: string
  readonly kanikoImage: string
  readonly cloneImage: string
  /** Undefined: nothing is built. */
  readonly registry: Registry | undefined
  /** An image with a shell, as a Dockerfile's FROM names it. */
  readonly baseImage: string
}
