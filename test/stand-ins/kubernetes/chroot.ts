import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import type { Mount } from './image-roots.ts'

export interface RootedCommand {
  readonly root: string
  readonly mounts: readonly Mount[]
  /** The root itself cannot be written to. */
  readonly readOnly: boolean
  readonly user: number
  readonly workingDirectory: string | undefined
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly onLine: (line: string) => void
  /** Kills the command with everything that it started. */
  readonly signal: AbortSignal
}

/**
 * Runs in the mount namespace and the pid namespace of the container, so every mount and every
 * process goes with it. $1 root, $2 rw|ro, $3 user, $4 termination log; then source, target, mode and
 * kind of each mount; after `--` the command.
 */
const setUp = `set -e
root=$1 rootMode=$2 user=$3 log=$4; shift 4
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
  if [ "$4" = folder ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")"; : >"$root$2"; fi
  mount --bind "$1" "$root$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
  shift 4
done
shift
mkdir -p "$root/proc" "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
: >"$root/dev/termination-log"
mount --bind "$log" "$root/dev/termination-log"
if [ "$rootMode" = ro ]; then mount -o remount,bind,ro "$root"; fi
exec chroot --userspec="$user:$user" "$root" "$@"
`

const namespaces = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child']

/** Ends with this process, even where that is killed, and takes along all that runs inside. */
const contained = ['--pdeathsig=KILL', 'unshare', ...namespaces, 'sh', '-c', setUp, 'container']

/** Runs a command in a root folder of its own. Resolves when it and all that it started are gone. */
export async function runInRoot(
  options: RootedCommand,
): Promise<{ readonly exitCode: number; readonly message: string }> {
  const { root, user, workingDirectory, signal, onLine } = options
  const terminationLog = `${root}.termination-log`
  await writeFile(terminationLog, '')
  // As the kubelet does it, for containers that are not root.
  await chmod(terminationLog, 0o666)
  const kinds = await Promise.all(
    options.mounts.map(async ({ source, target, readOnly }) => {
      const kind = (await stat(source)).isDirectory() ? 'folder' : 'file'
      return [source, target, readOnly ? 'ro' : 'rw', kind]
    }),
  )
  const command =
    workingDirectory === undefined
      ? options.command
      : ['env', `--chdir=${workingDirectory}`, ...options.command]
  signal.throwIfAborted()
  const child = spawn(
    'setpriv',
    [
      ...contained,
      root,
      options.readOnly ? 'ro' : 'rw',
      String(user),
      terminationLog,
      ...kinds.flat(),
      '--',
      ...command,
    ],
    { env: options.env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' },
  )
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  for (const output of [child.stdout, child.stderr]) createInterface(output).on('line', onLine)
  // `close`: everybody who could write to the pipes is gone.
  const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  signal.removeEventListener('abort', kill)
  const exitCode = code ?? 128 + (killedBy ? constants.signals[killedBy] : 0)
  const message = (await readFile(terminationLog)).subarray(0, 4096).toString()
  return { exitCode, message }
}
