import { KubeConfig } from '@kubernetes/client-node'
import { ConfigError } from '../errors.ts'

/**
 * The usual client rules: $KUBECONFIG, ~/.kube/config, else the pod's service account. Throws
 * ConfigError where there is none that can be used.
 */
export function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
    const server = config.getCurrentCluster()?.server
    // What the client falls back to when it finds nothing at all.
    if (server === undefined || server === 'http://localhost:8080') {
      throw new Error('no cluster is configured: set KUBECONFIG, or run in a pod')
    }
  } catch (error) {
    throw new ConfigError([`KUBECONFIG cannot be used: ${(error as Error).message}`])
  }
  return config
}
