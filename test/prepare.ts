import { provideExecutor } from '../demo/executor.ts'
import { ensurePrograms } from './cluster/support/programs.ts'
import { createProgress } from './cluster/support/progress.ts'
import { ensureTool } from './cluster/tools.ts'

/**
 * Runs before the tests: brings what takes longer than a test may, where this machine can have it. On CI
 * it is an error where it cannot. Elsewhere the names of tests with real clones and builds say so, and
 * those of the chart fail with what is missing.
 */

const progress = createProgress((line) => process.stderr.write(line))

try {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('real clones and builds without a cluster need root on Linux')
  }
  await ensurePrograms(
    ['git', 'git-lfs', 'ssh', 'sshd', 'docker-registry', 'htpasswd', 'skopeo', 'busybox', 'tini'],
    progress,
  )
  const { version } = await provideExecutor(progress, new AbortController().signal)
  progress(`real clones and builds are tested, with Kaniko ${version}`)
} catch (error) {
  if (process.env['CI']) throw error
  progress(`real clones and builds are left out: ${(error as Error).message}`)
}

try {
  await ensureTool('helm', { onProgress: progress })
} catch (error) {
  if (process.env['CI']) throw error
  progress(`the chart cannot be tested without Helm: ${(error as Error).message}`)
}
