import manifest from '../../package.json' with { type: 'json' }
import { ConfigError } from '../errors.ts'
import { closest } from '../settings/suggestion.ts'
import { CommandFailed, exitCodes, UsageError, type Terminal } from './command.ts'
import { commands, usage } from './commands.ts'

/** Runs `kanihook <args>`. Returns the exit code; what nobody foresaw is thrown. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = '', ...rest] = args
  try {
    return await dispatch(name, rest, terminal)
  } catch (error) {
    return explain(name, error, terminal)
  }
}

async function dispatch(name: string, rest: readonly string[], terminal: Terminal) {
  if (name === '') {
    terminal.tell(usage(manifest.version))
    return exitCodes.usage
  }
  if (isHelp(name) || name === 'help') {
    const [wanted] = rest
    if (wanted === undefined) return say(usage(manifest.version), terminal)
    return say((await find(wanted)).help, terminal)
  }
  if (name === '--version' || name === '-v') return say(manifest.version, terminal)
  const command = await find(name)
  // After `--` an argument is itself.
  const end = rest.indexOf('--')
  const asked = (end < 0 ? rest : rest.slice(0, end)).some(isHelp)
  return asked ? say(command.help, terminal) : command.run(rest, terminal)
}

async function find(name: string) {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry !== undefined) return entry.load()
  const near = closest(name, Object.keys(commands))
  const hint = near === undefined ? '' : `: did you mean ${near}?`
  throw new UsageError(`there is no command ${JSON.stringify(name)}${hint}`)
}

const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h'

function say(text: string, { print }: Terminal): number {
  print(text)
  return 0
}

/** Says what went wrong. */
function explain(name: string, error: unknown, { tell }: Terminal): number {
  if (error instanceof UsageError) {
    const help = Object.hasOwn(commands, name) ? `kanihook ${name} --help` : 'kanihook --help'
    tell(`kanihook: ${error.message} (${help} tells how it is used)`)
    return exitCodes.usage
  }
  if (error instanceof CommandFailed) {
    tell(`kanihook: ${error.message}`)
    return exitCodes.unavailable
  }
  if (error instanceof ConfigError) {
    const what = name === 'serve' ? 'cannot start with' : `${name}: cannot work with`
    tell(`kanihook ${what} these settings:`)
    for (const fault of error.faults) tell(`  ${fault}`)
    return exitCodes.config
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    tell(
      `kanihook cannot start: ${error.message}: set PORT, ADMIN_PORT or UPLOADS_PORT to a free one`,
    )
    return exitCodes.osError
  }
  throw error
}
