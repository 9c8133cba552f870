import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { downCluster, loadCluster, upCluster } from '../cluster/cluster.ts'
import { nodeImage } from '../cluster/images.ts'
import { createProgress, type Progress } from '../cluster/support/progress.ts'
import { ensureTool } from '../cluster/tools.ts'

/** Runs the end-to-end suite on a cluster that is up, or on one that is up for as long as the suite runs. */

const help = `usage: ./dev e2e [--keep] [file...]

  --keep   leave a cluster up that this run brought up
  file     test files; all of test/e2e unless said

The cluster is that of npm run cluster: KUBECONFIG, else kind where Docker runs, else a single node
of plain processes (root on Linux).`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
})
if (values.help) {
  console.log(help)
} else {
  const found = await loadCluster()
  const cluster = found ?? (await upCluster({ onProgress: createProgress(write) }))
  try {
    // What takes longer than a test may.
    const onProgress = createProgress(write)
    if (cluster.provider === 'single-node') await prepare(onProgress)
    await ensureTool('trivy', { onProgress })
    await ensureTool('vulnerabilityDb', { onProgress })
    // One that was given may have its own.
    if (cluster.provider !== 'existing') await ensureTool('tekton', { onProgress })
    process.exitCode = await runTests(cluster.stateDir)
  } finally {
    if (!found && !values.keep) await downCluster({ onProgress: createProgress(write) })
  }
}

function write(line: string): void {
  process.stderr.write(line)
}

async function prepare(onProgress: Progress): Promise<void> {
  await ensureTool('helm', { onProgress })
  await nodeImage(onProgress)
}

async function runTests(stateDir: string): Promise<number> {
  const files = positionals.length > 0 ? positionals : ['test/e2e/*.test.ts']
  // One file after the other: each starts builds, and the cluster may be as small as this machine.
  const args = ['--test', '--test-concurrency=1', '--test-timeout=300000', ...files]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, TEST_CLUSTER: stateDir },
    stdio: 'inherit',
  })
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.once('SIGINT', forward).once('SIGTERM', forward)
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
