import { checkConfig } from '../settings/check.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const check: Command = {
  help: `kanihook check [FILE]: validate kanihook.yaml without starting

  FILE   default: $KANIHOOK_CONFIG, else kanihook.yaml

Prints what the file says, or everything that is wrong with it and exits with 78.`,

  async run(args, { env, print, tell }) {
    const { positionals } = readArguments(args, {}, args.length === 0 ? [] : ['FILE'])
    const [file] = positionals
    const { lines, exitCode } = await checkConfig(file ?? env['KANIHOOK_CONFIG'] ?? 'kanihook.yaml')
    for (const line of lines) (exitCode === 0 ? print : tell)(line)
    return exitCode
  },
}
