import { execFile } from 'node:child_process'

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Text for the command's standard input. Secrets go this way, never as an argument. */
  readonly input?: string
  readonly timeoutMs?: number
}

/** Runs a program to its end and returns its standard output; throws with the end of its output. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const child = execFile(
    command,
    args,
    {
      cwd: options.cwd,
      env: options.env ?? process.env,
      timeout: options.timeoutMs ?? 0,
      maxBuffer: 64 * 1024 * 1024,
    },
    (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const output = lastLines(`${stdout}\n${stderr}`, 20) || error.message
      reject(new Error(`${command} ${args.join(' ')} failed:\n${output}`, { cause: error }))
    },
  )
  child.stdin?.on('error', () => undefined) // a program that ends early need not read its input
  child.stdin?.end(options.input)
  return await promise
}

/** Whether a program runs to its end with exit code 0. */
export async function succeeds(command: string, args: readonly string[], options?: CommandOptions) {
  return await run(command, args, options).then(
    () => true,
    () => false,
  )
}

/** Options as programs in Go take them: `--name=value`. */
export function flags(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`)
}

/** The last `count` lines that are not empty. */
export function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n')
}
