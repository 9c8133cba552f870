import { pino } from 'pino'
import type { DestinationStream, Logger, LoggerOptions } from 'pino'
import { PinoPretty } from 'pino-pretty'
import { mask } from './mask.ts'

export type { Logger } from 'pino'

export interface LogSettings {
  /** pino's levels: trace, debug, info, warn, error, fatal, silent. */
  readonly level: string
  /** `json`: a line per event, for machines; `pretty`: for people. */
  readonly format: 'json' | 'pretty'
  /** Standard output where it is not given. */
  readonly destination?: NodeJS.WritableStream
}

/**
 * The process's log. Callers name the fields that they log one by one; the mask over keys that hold
 * secrets is a second lock for the day somebody forgets.
 */
export function createLogger({ level, format, destination }: LogSettings): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    serializers: { err: describeError },
    formatters: { level: (label) => ({ level: label }), log: mask },
  }
  return pino(
    options,
    format === 'pretty' ? pretty(destination) : (destination ?? standardOutput()),
  )
}

const standardOutput = (): DestinationStream => pino.destination({ dest: 1, sync: true })

const pretty = (destination: NodeJS.WritableStream | undefined): DestinationStream =>
  PinoPretty({ sync: true, ...(destination && { destination }) })

/**
 * Name, message, stack and causes, nothing else: clients hang requests and commands on their errors,
 * and credentials with them.
 */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack, cause } = error
  return { type: name, message, stack, ...(cause !== undefined && { cause: describeError(cause) }) }
}
