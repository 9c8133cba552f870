import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface ServiceOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly onLine?: (line: string) => void
}

/** A process that runs along with this one. */
export interface Service {
  /** Rejects if it ends before it is told to. */
  readonly ended: Promise<never>
  /** SIGTERM, and SIGKILL if it is not gone after a while. Waits until it is. */
  stop(): Promise<void>
}

const patienceMs = 20_000

/** Starts it in a process group of its own: a Ctrl-C is for the demo, which ends it in good order. */
export function startService(options: ServiceOptions): Service {
  const { name, command, args, env = process.env, cwd, onLine } = options
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    cwd,
  })
  const lastLines: string[] = []
  for (const output of [child.stdout, child.stderr]) {
    createInterface(output).on('line', (line) => {
      lastLines.push(line)
      if (lastLines.length > 20) lastLines.shift()
      onLine?.(line)
    })
  }
  let stopping = false
  const gone = once(child, 'close').catch((error: unknown) => lastLines.push(String(error)))
  const ended = gone.then(() => {
    if (stopping) return new Promise<never>(() => {})
    throw new Error(`${name} ended by itself. Its last lines:\n${lastLines.join('\n')}`)
  })
  ended.catch(() => undefined) // heard by whoever waits for it
  return {
    ended,
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      await gone
      clearTimeout(timer)
    },
  }
}
