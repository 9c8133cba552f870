import { describe, test } from 'node:test'
import type { TestCluster } from '../../cluster/test-cluster.ts'
import { runningCluster } from './world.ts'

/**
 * A suite for a node of plain processes, which pulls from the test's plain registry and shares this
 * machine's disk. On another cluster its name says that it is left out; on CI that is an error.
 */
export async function onOwnNode(
  name: string,
  options: { readonly timeout: number },
  suite: (cluster: TestCluster) => void,
): Promise<void> {
  const cluster = await runningCluster()
  if (cluster.provider === 'single-node') {
    void describe(name, options, () => suite(cluster))
    return
  }
  void test(`${name}: left out, for this cluster (${cluster.provider}) is not of plain processes`, () => {
    if (process.env['CI']) throw new Error('set TEST_CLUSTER_PROVIDER=single-node (root on Linux)')
  })
}
