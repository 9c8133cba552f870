import { downCluster, loadCluster, upCluster } from '../test/cluster/cluster.ts'
import type { ClusterOptions } from '../test/cluster/options.ts'
import type { Progress } from '../test/cluster/support/progress.ts'
import type { TestCluster } from '../test/cluster/test-cluster.ts'

export interface ClusterUse {
  readonly cluster: ClusterOptions
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** The test cluster that is up, else one that goes down with the stack. The end-to-end tests' world finds it. */
export async function benchCluster(
  { cluster: options, signal, progress }: ClusterUse,
  stack: AsyncDisposableStack,
): Promise<TestCluster> {
  const call = { ...options, onProgress: progress }
  const running = await loadCluster(call)
  if (!running) stack.defer(() => downCluster(call))
  const cluster = running ?? (await upCluster(call))
  signal.throwIfAborted()
  process.env['TEST_CLUSTER'] = cluster.stateDir
  return cluster
}
