import { CoreV1Api, type KubeConfig, type V1Secret } from '@kubernetes/client-node'
import { orAbsent, unanswered, within } from './api-call.ts'

export interface SecretReaderOptions {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
  /** In milliseconds, for the whole answer. */
  readonly requestTimeoutMs?: number
}

/**
 * Reads the namespace's Secrets by name, each time anew: they may be rotated. Undefined: there is none.
 * Throws RetryLater when the API does not answer.
 */
export function secretReader(
  options: SecretReaderOptions,
): (name: string) => Promise<V1Secret | undefined> {
  const { kubeConfig, namespace, requestTimeoutMs = 10_000 } = options
  const api = kubeConfig.makeApiClient(CoreV1Api)
  return async (name) => {
    const secret = api.readNamespacedSecret({ name, namespace }, within(requestTimeoutMs))
    return orAbsent(secret).catch((error: unknown) => {
      throw unanswered(`Secret ${name} cannot be read`, error)
    })
  }
}
