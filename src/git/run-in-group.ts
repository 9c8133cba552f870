import { spawn } from 'node:child_process'

export interface GroupOptions {
  readonly cwd: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs: number
  /** Bytes of standard output after which the command is ended. */
  readonly maxOutput: number
}

export interface Ended {
  /** Undefined: it was ended for taking too long or for saying too much, or could not be started. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a command in a process group of its own and ends the whole group when its time is over: git
 * leaves the connection to a helper, which would outlive it. Never rejects.
 */
export function runInGroup(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs, maxOutput }: GroupOptions,
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  let bytes = 0
  let stderr = ''
  let ended = false
  const endGroup = (): void => {
    ended = true
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself meanwhile.
    }
  }
  const timer = setTimeout(endGroup, timeoutMs)
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxOutput) endGroup()
    else stdout.push(chunk)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-16_384)
  })
  return new Promise((resolve) => {
    const finish = (code: number | null): void => {
      clearTimeout(timer)
      const output = Buffer.concat(stdout).toString('utf8')
      resolve({ code: ended ? undefined : (code ?? undefined), stdout: output, stderr })
    }
    child.once('error', (error) => {
      stderr += error.message
      finish(null)
    })
    child.once('close', finish)
  })
}
