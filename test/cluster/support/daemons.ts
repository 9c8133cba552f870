import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines } from './command.ts'
import { processIdentity } from './process-identity.ts'
import { Hopeless, waitUntil } from './wait-until.ts'

export interface Daemon {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/**
 * Long-running processes that outlive this one. Each has a file `run/<name>.pid` with its pid and
 * identity, by which alone it is ended, and a log `log/<name>.log`.
 */
export function createDaemons(directory: string) {
  const runDirectory = join(directory, 'run')
  const logDirectory = join(directory, 'log')
  const pidFile = (name: string) => join(runDirectory, `${name}.pid`)
  const logFile = (name: string) => join(logDirectory, `${name}.log`)

  function read(name: string): { pid: number; identity: string } | undefined {
    if (!existsSync(pidFile(name))) return undefined
    const [pid, identity] = readFileSync(pidFile(name), 'utf8').trim().split(' ')
    return pid && identity ? { pid: Number(pid), identity } : undefined
  }

  function isRunning(name: string): boolean {
    const recorded = read(name)
    return recorded !== undefined && processIdentity(recorded.pid) === recorded.identity
  }

  /** Takes over a process that another one started. */
  function record(name: string, pid: number): void {
    mkdirSync(runDirectory, { recursive: true })
    writeFileSync(pidFile(name), `${pid} ${processIdentity(pid) ?? 'ended'}\n`)
  }

  function start(daemon: Daemon): void {
    mkdirSync(logDirectory, { recursive: true })
    const log = openSync(logFile(daemon.name), 'a')
    const child = spawn(daemon.command, daemon.args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: daemon.env ?? process.env,
      cwd: daemon.cwd,
    })
    closeSync(log)
    child.on('error', () => undefined) // without a pid; reported by the wait for it
    child.unref()
    if (child.pid === undefined) throw new Error(`cannot start ${daemon.command}: is it installed?`)
    record(daemon.name, child.pid)
  }

  /** Waits until the condition holds; a daemon that ends meanwhile is reported with its last lines. */
  async function waitFor(
    name: string,
    condition: () => boolean | Promise<boolean>,
    timeoutMs = 60_000,
  ): Promise<void> {
    const lastWords = () =>
      existsSync(logFile(name)) ? lastLines(readFileSync(logFile(name), 'utf8'), 15) : ''
    const check = async () => {
      if (!isRunning(name)) throw new Hopeless(`${name} ended before it was ready:\n${lastWords()}`)
      return await condition()
    }
    await waitUntil(name, check, { timeoutMs }).catch((error: unknown) => {
      if (error instanceof Hopeless) throw error
      throw new Error(`${String(error)}\nits last lines:\n${lastWords()}`, { cause: error })
    })
  }

  /** Sends a signal to a daemon if it is still the process that was started. */
  function signal(name: string, signal: NodeJS.Signals): void {
    const recorded = read(name)
    if (recorded && isRunning(name)) process.kill(recorded.pid, signal)
  }

  /** Ends a daemon if it is still the process that was started; waits until it is gone. */
  async function stop(name: string, signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const recorded = read(name)
    if (recorded && isRunning(name)) {
      process.kill(recorded.pid, signal)
      await waitUntil(`the end of ${name}`, () => !isRunning(name), {
        timeoutMs: 20_000,
        everyMs: 20,
      })
    }
    rmSync(pidFile(name), { force: true })
  }

  /** The names of all daemons that were started and not stopped, running or not. */
  function names(): string[] {
    if (!existsSync(runDirectory)) return []
    return readdirSync(runDirectory).flatMap((file) =>
      file.endsWith('.pid') ? [file.slice(0, -'.pid'.length)] : [],
    )
  }

  return { start, record, waitFor, isRunning, signal, stop, names, directory }
}

export type Daemons = ReturnType<typeof createDaemons>
