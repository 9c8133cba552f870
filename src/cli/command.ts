import type { Readable } from 'node:stream'
import type { StopSignals } from '../stop-signals.ts'

/** Where a command runs, and where its words go. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** What was asked for; a line, or several. */
  print(text: string): void
  /** What is said beside it, on standard error. */
  tell(text: string): void
  readonly colour: boolean
  /** Columns; undefined: nobody looks at it, so that nothing is cut. */
  readonly width: number | undefined
  /** Standard input; undefined: there is none but a person's keys. */
  readonly input?: () => Readable | undefined
  /** Writes over the last line on standard error, where that is a terminal; an empty text takes it away. */
  readonly overwrite?: (text: string) => void
  /** Heard since before the command was loaded; of `serve` alone. */
  readonly signals?: StopSignals
}

export interface Command {
  /** What `--help` says. */
  readonly help: string
  /** Returns the exit code. Throws UsageError, CommandFailed or ConfigError. */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}

/** The codes of sysexits.h that commands end with. */
export const exitCodes = {
  /** Wrong use of the command. */
  usage: 64,
  /** What it needs did not answer, or refused. */
  unavailable: 69,
  /** No port to listen on. */
  osError: 71,
  /** Bad settings. */
  config: 78,
} as const

/** The command line cannot be understood: said, with the way to the help. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What was asked for cannot be done: said, and that is all. */
export class CommandFailed extends Error {
  override readonly name: string = 'CommandFailed'
}
