import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface DoctorRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** The lines that are not fine. */
  readonly complaints: readonly string[]
}

/** Runs `kanihook doctor` with these settings and nothing else of this process' environment. */
export const runDoctor = (
  settings: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<DoctorRun> => runKanihook(['doctor', ...args], settings)

/** Runs kanihook until it ends by itself, as above. */
export async function runKanihook(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<DoctorRun> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [entry, ...args], {
    env: { PATH, HOME, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await exit
  return { code, out, err, complaints: out.split('\n').filter((line) => /^[!✗]/u.test(line)) }
}
