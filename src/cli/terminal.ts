import type { StopSignals } from '../stop-signals.ts'
import type { Terminal } from './command.ts'

/** The terminal that this process was started in. */
export function processTerminal(signals: StopSignals | undefined): Terminal {
  const { stdout } = process
  // A reader that has seen enough, such as head, closes the pipe.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  return {
    env: process.env,
    print: console.log,
    tell: console.error,
    colour: stdout.isTTY && !process.env['NO_COLOR'],
    width: stdout.isTTY ? stdout.columns : undefined,
    input: () => (process.stdin.isTTY ? undefined : process.stdin),
    ...(process.stderr.isTTY
      ? { overwrite: (text: string) => void process.stderr.write(`\r\u001b[K${text}`) }
      : {}),
    ...(signals ? { signals } : {}),
  }
}
