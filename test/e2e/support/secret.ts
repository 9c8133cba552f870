import { CoreV1Api, KubeConfig, type V1Secret } from '@kubernetes/client-node'
import type { TestCluster } from '../../cluster/cluster.ts'

/** A Secret in the build namespace for as long as a test holds it. */
export async function createSecret(
  { kubeconfig, namespace }: TestCluster,
  name: string,
  body: Pick<V1Secret, 'type' | 'stringData'>,
): Promise<AsyncDisposable> {
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(kubeconfig)
  const core = kubeConfig.makeApiClient(CoreV1Api)
  await core.createNamespacedSecret({ namespace, body: { metadata: { name }, ...body } })
  return {
    [Symbol.asyncDispose]: async () =>
      void (await core.deleteNamespacedSecret({ namespace, name })),
  }
}
