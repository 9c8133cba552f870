import { provideExecutor } from '../demo/executor.ts'
import { ensurePrograms } from './cluster/support/programs.ts'
import { createProgress } from './cluster/support/progress.ts'

/**
 * Runs before the tests: brings what those with real clones and builds need, where this machine can
 * have it. Where it cannot, their names say so; on CI that is an error.
 */

const progress = createProgress((line) => process.stderr.write(line))

try {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('real clones and builds without a cluster need root on Linux')
  }
  await ensurePrograms(['git', 'docker-registry', 'htpasswd', 'skopeo', 'busybox'], progress)
  const { version } = await provideExecutor(progress, new AbortController().signal)
  progress(`real clones and builds are tested, with Kaniko ${version}`)
} catch (error) {
  if (process.env['CI']) throw error
  progress(`real clones and builds are left out: ${(error as Error).message}`)
}
