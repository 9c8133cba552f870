import { randomBytes } from 'node:crypto'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { dockerConfig } from '../test/cluster/registry.ts'
import type { Cleanup } from './cleanup.ts'
import type { Surroundings } from './surroundings/surroundings.ts'

/** Makes the Secret with which builds push. Returns its name; undefined where nothing is pushed. */
export async function createRegistryLogin(
  { registry, adminKubeconfig, namespace }: Surroundings,
  cleanup: Cleanup,
): Promise<string | undefined> {
  if (!registry) return undefined
  const config = new KubeConfig()
  config.loadFromFile(adminKubeconfig)
  const core = config.makeApiClient(CoreV1Api)
  const name = `kanihook-demo-${randomBytes(3).toString('hex')}`
  await core.createNamespacedSecret({
    namespace,
    body: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': dockerConfig(registry) },
    },
  })
  cleanup.add(() => core.deleteNamespacedSecret({ name, namespace }))
  return name
}
