import type { ImagePlan } from '../builds/build.ts'
import { createHints } from './hints.ts'
import {
  createKubernetesCluster,
  type KubernetesCluster,
  type KubernetesClusterOptions,
} from './kubernetes-cluster.ts'

export interface Clusters {
  /** What runs the builds of a plan: by its backend, in its namespace. */
  of(plan: Pick<ImagePlan, 'backend' | 'namespace'>): KubernetesCluster
  /** Those of every backend in these namespaces, beside the build namespace. */
  all(namespaces: Iterable<string>): readonly KubernetesCluster[]
}

/**
 * Makes an adapter for each namespace and backend when it is first asked for. A namespace has one watch, which
 * sees the pods of both backends, until the signal aborts. `options.namespace`: of plans that name none.
 */
export function createClusters(
  options: Omit<KubernetesClusterOptions, 'backend' | 'hints'>,
  signal: AbortSignal,
): Clusters {
  const hints = createHints()
  const made = new Map<string, KubernetesCluster>()
  const watched = new Set<string>()

  function of({
    backend = 'job',
    namespace = options.namespace,
  }: Parameters<Clusters['of']>[0]): KubernetesCluster {
    const key = `${backend} ${namespace}`
    const cluster =
      made.get(key) ?? createKubernetesCluster({ ...options, namespace, backend, hints })
    made.set(key, cluster)
    if (!watched.has(namespace)) void cluster.watch(signal)
    watched.add(namespace)
    return cluster
  }

  return {
    of,
    all: (namespaces) =>
      [...new Set([options.namespace, ...namespaces])].flatMap((namespace) => [
        of({ namespace }),
        of({ namespace, backend: 'tekton' }),
      ]),
  }
}
