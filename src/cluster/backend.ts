import type { ConfigurationOptions, KubernetesObject, V1Pod } from '@kubernetes/client-node'
import type { ContainerName } from '../builds/containers.ts'
import type { JobObservation, JobRequest } from '../builds/ports.ts'
import type { JobSettings } from './job-manifest.ts'

/**
 * What keeps a try of a build in the cluster: a Job, or Tekton's TaskRun. Each has one pod, and both carry
 * the labels and annotations of job-identity.ts; all else about a build is the same whichever it is. The
 * calls pass on what the API client throws.
 */
export interface Backend<Kept extends KubernetesObject = KubernetesObject> {
  readonly kind: string
  /** What a status says where the API refuses it, before the API's own words. */
  notCreated(name: string): string
  /** Pure. Throws PermanentError for a plan that the settings should never have let through. */
  manifest(request: JobRequest, settings: JobSettings): Kept
  create(body: Kept, options: ConfigurationOptions): Promise<Kept>
  read(name: string, options: ConfigurationOptions): Promise<Kept>
  /** Foreground: the object stays until its pod is gone, for all to see. */
  delete(name: string, options: ConfigurationOptions): Promise<unknown>
  /** All that carry the label, ended ones too. */
  list(labelSelector: string, options: ConfigurationOptions): Promise<readonly Kept[]>
  /** Whether the API lets kanihook see them at all. */
  probe(options: ConfigurationOptions): Promise<unknown>
  /** What it and its pod say together; it was read before the pod. Pure. */
  observation(kept: Kept | undefined, pod: V1Pod | undefined): JobObservation
  /** A container's name in the pod. */
  container(name: ContainerName): string
  /** Why it cannot be created, where this backend knows better than the API's words. */
  whyRefused?(error: unknown): string | undefined
}
