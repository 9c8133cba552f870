import { CoreV1Api, type KubeConfig, type V1Secret } from '@kubernetes/client-node'
import { orAbsent, unanswered, within } from './api-call.ts'

export interface SecretReaderOptions {
  readonly kubeConfig: KubeConfig
  /** Where a Secret is unless said. */
  readonly namespace: string
  /** In milliseconds, for the whole answer. */
  readonly requestTimeoutMs?: number
}

/**
 * Reads Secrets by name, each time anew: they may be rotated. Undefined: there is none.
 * Throws RetryLater when the API does not answer.
 */
export function secretReader(
  options: SecretReaderOptions,
): (name: string, namespace?: string) => Promise<V1Secret | undefined> {
  const { kubeConfig, requestTimeoutMs = 10_000 } = options
  const api = kubeConfig.makeApiClient(CoreV1Api)
  return async (name, namespace = options.namespace) => {
    const secret = api.readNamespacedSecret({ name, namespace }, within(requestTimeoutMs))
    return orAbsent(secret).catch((error: unknown) => {
      throw unanswered(`Secret ${name} cannot be read`, error)
    })
  }
}
