import { delimiter, resolve } from 'node:path'
import { createExistingCluster } from './existing-cluster.ts'
import { canRunKind, createKindCluster } from './kind-cluster.ts'
import type { ResolvedOptions } from './options.ts'
import type { Provider, ProviderContext } from './provider.ts'
import { createSingleNode } from './single-node.ts'
import type { StateRecord } from './state.ts'

/**
 * What TEST_CLUSTER_PROVIDER says, else what this machine offers: a cluster given by KUBECONFIG, kind, or
 * plain processes.
 */
export async function chooseProvider(options: ResolvedOptions): Promise<StateRecord> {
  const wanted = process.env['TEST_CLUSTER_PROVIDER'] || undefined
  if (wanted === 'single-node' || wanted === 'kind') return { provider: wanted, options }
  if (wanted !== undefined) {
    throw new Error(`TEST_CLUSTER_PROVIDER is ${wanted}: say single-node or kind, or leave it out`)
  }
  const [kubeconfig] = (process.env['KUBECONFIG'] ?? '').split(delimiter)
  // one of this very cluster, exported after an earlier `up`, is no cluster of its own
  if (kubeconfig && !kubeconfig.startsWith(`${options.stateDir}/`)) {
    return { provider: 'existing', options, kubeconfig: resolve(kubeconfig) }
  }
  if (await canRunKind()) return { provider: 'kind', options }
  if (process.getuid?.() === 0) return { provider: 'single-node', options }
  throw new Error(
    'no way to a cluster. One of these is needed:\n' +
      '- KUBECONFIG, the path of a kubeconfig of a cluster for tests\n' +
      '- a running Docker and kind (https://kind.sigs.k8s.io/docs/user/quick-start/#installation)\n' +
      '- root: run this command with sudo',
  )
}

export function createProvider(record: StateRecord, context: ProviderContext): Provider {
  const { provider, kubeconfig } = record
  if (provider === 'existing') return createExistingCluster(context, kubeconfig ?? '')
  return provider === 'kind' ? createKindCluster(context) : createSingleNode(context)
}
