import type { Gitea } from './gitea.ts'
import type { ProviderName } from './provider.ts'
import type { Registry } from './registry.ts'

/** A running cluster with all that an end-to-end test needs. Images and URLs are as pods see them. */
export interface TestCluster {
  readonly provider: ProviderName
  readonly stateDir: string
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string
  /** Path of a kubeconfig with no more permissions than the worker has. */
  readonly workerKubeconfig: string
  /** Exists, and enforces the Pod Security level baseline. */
  readonly namespace: string
  /** This machine's address as pods reach it. */
  readonly hostAddress: string
  readonly registry: Registry
  /** In the registry: a shell, as a base for Dockerfiles. */
  readonly baseImage: string
  readonly cloneImage: string
  readonly kanikoImage: string
  readonly publishImage: string
  readonly gitea: Gitea
}
