import {
  downCluster,
  loadCluster,
  upCluster,
  type ClusterCall,
} from '../../test/cluster/cluster.ts'
import type { ProviderName } from '../../test/cluster/provider.ts'
import type { Cleanup } from '../cleanup.ts'
import { useGitea } from '../forge/gitea-forge.ts'
import type { Surroundings } from './surroundings.ts'

const kinds: Readonly<Record<ProviderName, string>> = {
  existing: 'the cluster of KUBECONFIG',
  kind: 'a cluster of one node in Docker, by kind',
  'single-node': 'a cluster of one node, of plain processes on this machine',
}

/** The test cluster with its registry and its Gitea. One that was up before stays up. */
export async function realCluster(call: ClusterCall, cleanup: Cleanup): Promise<Surroundings> {
  if (!(await loadCluster(call))) cleanup.add(() => downCluster(call))
  const cluster = await upCluster(call)
  const { provider, gitea, registry } = cluster
  const forge = await useGitea(gitea)
  cleanup.add(() => forge.close())
  return {
    clusterFacts: [`real Kubernetes: ${kinds[provider]}`, `KUBECONFIG=${cluster.kubeconfig}`],
    registryFacts: [`docker-registry behind a login, on http://${registry.host}`],
    forge,
    kubeconfig: cluster.workerKubeconfig,
    adminKubeconfig: cluster.kubeconfig,
    namespace: cluster.namespace,
    kanikoImage: cluster.kanikoImage,
    cloneImage: cluster.cloneImage,
    registry,
    baseImage: cluster.baseImage,
  }
}
