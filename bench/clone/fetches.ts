import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cloneScript } from '../../src/cluster/clone-script.ts'
import { runInRoot } from '../../test/stand-ins/kubernetes/chroot.ts'

/** A commit of a repository that is served over HTTP without a login. */
export interface Source {
  readonly url: string
  readonly sha: string
}

/** What kanihook's clone container takes to fetch the commit, in milliseconds, and where it is then. */
export async function fetchCommit(
  { url, sha }: Source,
  folder: string,
): Promise<{ ms: number; context: string }> {
  const own = await mkdtemp(join(folder, 'clone-'))
  const [context, home] = [join(own, 'context'), join(own, 'home')]
  await Promise.all([mkdir(context), mkdir(home)])
  const args = [url, new URL(url).origin, 'refs/heads/main', sha, '.', 'Dockerfile']
  const began = performance.now()
  const child = spawn('sh', ['-c', cloneScript, 'clone', ...args], {
    cwd: context,
    env: { PATH: process.env['PATH'], HOME: home },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`clone: the clone script exited with ${code}`)
  return { ms: performance.now() - began, context }
}

/** What Kaniko takes from its start to its end with a context, in milliseconds; it pushes nothing. */
export async function runKaniko(options: {
  readonly executor: string
  /** As `--context` has it. */
  readonly context: string
  /** A folder of this machine that is at `/context` inside. */
  readonly mounted?: string
  readonly folder: string
  readonly signal: AbortSignal
}): Promise<number> {
  const { executor, context, mounted, folder, signal } = options
  // It deletes what it finds in its root.
  const root = await mkdtemp(join(folder, 'root-'))
  const lines: string[] = []
  const began = performance.now()
  const { exitCode } = await runInRoot({
    root,
    mounts: [
      { source: executor, target: '/kaniko/executor', readOnly: true },
      ...(mounted === undefined ? [] : [{ source: mounted, target: '/context', readOnly: true }]),
    ],
    readOnly: false,
    user: 0,
    workingDirectory: undefined,
    command: ['/kaniko/executor', `--context=${context}`, '--no-push', '--force'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/', GIT_PULL_METHOD: 'http' },
    onLine: (line) => lines.push(line),
    signal,
  })
  const ms = performance.now() - began
  await rm(root, { recursive: true, force: true })
  if (exitCode !== 0) throw new Error(`clone: Kaniko exited with ${exitCode}: ${lines.at(-1)}`)
  return ms
}
