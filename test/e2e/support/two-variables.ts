import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { redisImage } from '../../cluster/images.ts'
import { dockerConfig, pushArchive } from '../../cluster/registry.ts'
import { createDaemons } from '../../cluster/support/daemons.ts'
import { eventually } from '../../support/eventually.ts'
import type { OwnImage } from './own-image.ts'
import { runningCluster } from './world.ts'

/**
 * The image in a pod with no settings but a webhook secret and a token; its Redis is where the default
 * says, on the same address, and its cluster the one that it is in.
 */
export async function runWithTwoVariables(own: OwnImage): Promise<{
  /** A signed ping; undefined while nobody answers. */
  ping(body: string): Promise<number | undefined>
  isReady(): Promise<boolean>
  remove(): Promise<void>
}> {
  const cluster = await runningCluster()
  const { namespace, registry, stateDir } = cluster
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(cluster.kubeconfig)
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const name = `two-variables-${randomBytes(3).toString('hex')}`
  const secret = randomBytes(16).toString('hex')
  const redis = await pushArchive(
    createDaemons(stateDir),
    registry,
    await redisImage(),
    'library/valkey:test',
  )
  await core.createNamespacedSecret({
    namespace,
    body: {
      metadata: { name },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': dockerConfig(registry) },
    },
  })
  await core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name }, data: { 'kanihook.yaml': 'repositories: []\n' } },
  })
  await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name },
      spec: {
        serviceAccountName: 'kanihook-worker',
        imagePullSecrets: [{ name }],
        containers: [
          {
            name: 'kanihook',
            image: own.reference,
            env: [
              { name: 'GITHUB_WEBHOOK_SECRETS', value: secret },
              { name: 'GITHUB_TOKEN', value: 'no-token-of-anybody' },
            ],
            securityContext: { readOnlyRootFilesystem: true },
            volumeMounts: [
              { name: 'config', mountPath: '/etc/kanihook' },
              { name: 'tmp', mountPath: '/tmp' },
            ],
          },
          { name: 'redis', image: redis },
        ],
        volumes: [
          { name: 'config', configMap: { name } },
          { name: 'tmp', emptyDir: {} },
        ],
      },
    },
  })
  const address = async (): Promise<string> =>
    (await core.readNamespacedPod({ name, namespace })).status?.podIP ?? 'not-yet.invalid'

  return {
    async ping(body) {
      const signature = createHmac('sha256', secret).update(body).digest('hex')
      const response = await fetch(`http://${await address()}:8080/webhooks/github`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'ping',
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': `sha256=${signature}`,
        },
      })
      return response.status
    },
    isReady: async () => (await fetch(`http://${await address()}:9090/readyz`)).ok,
    async remove() {
      await core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 })
      await eventually(
        () =>
          core.readNamespacedPod({ name, namespace }).then(
            () => false,
            () => true,
          ),
        { within: 30_000, every: 200, what: 'the pod is gone' },
      )
      await core.deleteNamespacedSecret({ name, namespace })
      await core.deleteNamespacedConfigMap({ name, namespace })
    },
  }
}
