import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { closest } from '../settings/suggestion.ts'
import { UsageError } from './command.ts'

/**
 * Reads a command's options and its positional arguments, of which there must be as many as names. Throws
 * UsageError, with the hint for one that is too many.
 */
export function readArguments<const T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  names: readonly string[] = [],
  hint: (extra: string) => string = () => '',
) {
  const { values, positionals } = parse(args, options)
  const missing = names[positionals.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing`)
  const extra = positionals[names.length]
  if (extra !== undefined) {
    throw new UsageError(`${JSON.stringify(extra)} is one argument too many${hint(extra)}`)
  }
  return { values, positionals }
}

function parse<const T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error
    const unknown = /^Unknown option '--([^']+)'/.exec(message)?.[1]
    const near = unknown === undefined ? undefined : closest(unknown, Object.keys(options))
    const hint = near === undefined ? '' : `: did you mean --${near}?`
    // The first sentence; what follows is about programming.
    throw new UsageError(message.replace(/\. [^]*$/, '') + hint, { cause: error })
  }
}

/** The one of these words that an option has. Throws UsageError. */
export function oneOf<const T extends string>(name: string, words: readonly T[], given: string): T {
  const found = words.find((word) => word === given)
  if (found !== undefined) return found
  const near = closest(given, words)
  const hint = near === undefined ? '' : `: did you mean ${near}?`
  throw new UsageError(`${name} must be one of ${words.join(', ')}${hint}`)
}

/** The whole number, at least 1, that an option has. Throws UsageError. */
export function count(name: string, given: string): number {
  if (/^[1-9]\d{0,5}$/.test(given)) return Number(given)
  throw new UsageError(`${name} must be a whole number from 1 to 999999`)
}
