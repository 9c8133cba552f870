import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node'
import { trivyImage } from '../../cluster/images.ts'
import { dockerConfig, pushArchive } from '../../cluster/registry.ts'
import { createDaemons } from '../../cluster/support/daemons.ts'
import { silent } from '../../cluster/support/progress.ts'
import type { TestCluster } from '../../cluster/test-cluster.ts'
import { createSecret } from './secret.ts'

const pullSecret = 'scan-image-login'

/**
 * A real Trivy as SCAN_IMAGE, from the test's own registry: the pods of builds may pull it by the login of
 * their ServiceAccount, as they would from a mirror that asks for one.
 */
export async function provideScanner(
  cluster: TestCluster,
): Promise<AsyncDisposable & { readonly image: string }> {
  const { registry, namespace } = cluster
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(cluster.kubeconfig)
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const account = async (imagePullSecrets: readonly object[]): Promise<void> => {
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
    const body = { imagePullSecrets }
    await core.patchNamespacedServiceAccount({ name: 'default', namespace, body }, merge)
  }
  const archive = await trivyImage(silent)
  const image = await pushArchive(createDaemons(cluster.stateDir), registry, archive, 'trivy:1')
  const secret = await createSecret(cluster, pullSecret, {
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': dockerConfig(registry) },
  })
  await account([{ name: pullSecret }])
  return {
    image,
    async [Symbol.asyncDispose]() {
      await account([])
      await secret[Symbol.asyncDispose]()
    },
  }
}
