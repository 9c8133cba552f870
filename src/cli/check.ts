import { basename } from 'node:path'
import { checkConfig, checkRepositoryFile } from '../settings/check.ts'
import { repositoryFileName } from '../settings/repository-schema.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const check: Command = {
  help: `kanihook check [FILE]: validate kanihook.yaml, or a repository's .kanihook.yaml, without starting

  FILE   default: $KANIHOOK_CONFIG, else kanihook.yaml
  --repository-file
         FILE is what a repository says of its own builds; .kanihook.yaml always is

Prints what the file says, or everything that is wrong with it and exits with 78.`,

  async run(args, { env, print, tell }) {
    const { values, positionals } = readArguments(
      args,
      { 'repository-file': { type: 'boolean', default: false } },
      args.every((arg) => arg.startsWith('-')) ? [] : ['FILE'],
    )
    const own = values['repository-file']
    const file = positionals[0] ?? (own ? repositoryFileName : env['KANIHOOK_CONFIG'])
    const path = file ?? 'kanihook.yaml'
    const isOwn = own || basename(path) === repositoryFileName
    const { lines, exitCode } = await (isOwn ? checkRepositoryFile(path) : checkConfig(path))
    for (const line of lines) (exitCode === 0 ? print : tell)(line)
    return exitCode
  },
}
