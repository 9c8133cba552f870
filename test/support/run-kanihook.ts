import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface CommandRun {
  readonly child: ChildProcess
  /** Lines so far. */
  readonly out: readonly string[]
  readonly err: readonly string[]
  /** Resolves with the exit code when all that it printed is there. */
  readonly ended: Promise<number | null>
}

/** Starts `kanihook <args>` with these settings and nothing else of this process' environment, and this input. */
export function startCommand(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  input?: Buffer,
): CommandRun {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [entry, ...args], {
    env: { PATH, HOME, ...settings },
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  child.stdin?.end(input)
  const out: string[] = []
  const err: string[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => out.push(line))
  createInterface({ input: child.stderr! }).on('line', (line) => err.push(line))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, out, err, ended }
}

/** Runs `kanihook <args>` to its end. */
export async function runCommand(
  args: readonly string[],
  settings?: Readonly<Record<string, string>>,
  input?: Buffer,
): Promise<{ code: number | null; out: string; err: string }> {
  const { out, err, ended } = startCommand(args, settings, input)
  const code = await ended
  return { code, out: out.join('\n'), err: err.join('\n') }
}
