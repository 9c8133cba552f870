import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from '../test/cluster/support/progress.ts'
import { ensureTool } from '../test/cluster/tools.ts'
import { startGitServer } from '../test/support/git-server.ts'
import { fetchCommit, runKaniko } from './clone/fetches.ts'
import { makeManyCommits } from './clone/many-commits.ts'
import { compareClones, type CloneResult, type CloneRound } from './clone/results.ts'

export interface CloneOptions {
  readonly commits: number
  readonly cloneRounds: number
  readonly signal: AbortSignal
  readonly progress: Progress
}

/**
 * Fetches one commit of a long history as kanihook's clone container does, and as Kaniko does by itself, in
 * turns, from the same server. Kaniko runs in a root of its own, which takes root.
 */
export async function benchClone(options: CloneOptions): Promise<CloneResult> {
  const { commits, cloneRounds, signal, progress } = options
  if (process.getuid?.() !== 0)
    throw new Error('clone: Kaniko is run in a chroot: run this as root')
  const executor = await ensureTool('kaniko', { onProgress: progress })
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  // As forges serve.
  const config = { 'uploadpack.allowReachableSHA1InWant': 'true' }
  const server = stack.adopt(await startGitServer({ config }), (each) => each.stop())
  progress(`clone: making ${commits} commits`)
  const sha = await makeManyCommits(server.folder, 'many.git', commits)
  const source = { url: `${server.url}/many.git`, sha }
  const git = `${source.url.replace('http:', 'git:')}#refs/heads/main#${sha}`

  const rounds: CloneRound[] = []
  for (let round = 1; round <= cloneRounds; round++) {
    signal.throwIfAborted()
    const { ms: exact, context } = await fetchCommit(source, folder)
    const kaniko = { executor, folder, signal }
    rounds.push({
      exact,
      local: await runKaniko({ ...kaniko, context: 'dir:///context', mounted: context }),
      git: await runKaniko({ ...kaniko, context: git }),
    })
    progress(`clone: ${round} of ${cloneRounds}`)
  }
  return compareClones(commits, rounds)
}
