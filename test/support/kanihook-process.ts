import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface LogEntry {
  readonly level: string
  readonly msg: string
  readonly time: string
  readonly [field: string]: unknown
}

/** A running `kanihook serve`, started as its users start it. */
export interface KanihookProcess {
  readonly child: ChildProcess
  /** Where forges post to; empty without the receiver's role. */
  readonly url: string
  readonly adminUrl: string
  /** Every line that it printed. */
  readonly output: readonly string[]
  readonly log: readonly LogEntry[]
  api<T>(path: string, init?: RequestInit): Promise<T>
  /** Sends a signal and waits until the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** Starts kanihook with these settings and nothing else of this process' environment; waits until it is ready. */
export async function startKanihook(
  settings: Readonly<Record<string, string>>,
): Promise<KanihookProcess> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [entry, 'serve'], {
    env: { PATH, HOME, PORT: '0', ADMIN_PORT: '0', ADMIN_HOST: '127.0.0.1', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: string[] = []
  const log: LogEntry[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line)
      if (line.startsWith('{')) log.push(JSON.parse(line) as LogEntry)
    })
  }
  const kill = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  const port = (message: string): Promise<number> =>
    eventually(
      () => {
        if (child.exitCode !== null) throw new Error(output.join('\n'))
        return log.find((entry) => entry.msg === message)?.['port'] as number | undefined
      },
      { what: `kanihook says "${message}"`, within: 30_000 },
    )
  try {
    const adminUrl = `http://127.0.0.1:${await port('admin listens')}`
    const receives = (settings['KANIHOOK_ROLES'] ?? 'receiver').includes('receiver')
    const url = receives ? `http://127.0.0.1:${await port('receiver listens')}` : ''
    await eventually(async () => (await fetch(`${adminUrl}/readyz`)).ok, {
      what: 'kanihook is ready',
      within: 30_000,
    })
    const api = async <T>(path: string, init?: RequestInit): Promise<T> => {
      const response = await fetch(`${adminUrl}/api${path}`, init)
      const body = await response.text()
      if (!response.ok) throw new Error(`${path}: ${response.status} ${body}`)
      return JSON.parse(body) as T
    }
    return { child, url, adminUrl, output, log, api, kill }
  } catch (error) {
    await kill('SIGKILL')
    throw error
  }
}
