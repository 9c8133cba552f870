import { verbosities } from '../builds/image-plan.ts'
import { createApiClient } from './api/client.ts'
import { findBuild } from './api/find-build.ts'
import { apiHelp, apiOptions, buildHelp } from './api/options.ts'
import { readApiSettings } from './api/settings.ts'
import { oneOf, readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { followBuild } from './follow.ts'
import { about } from './words.ts'

export const rebuild: Command = {
  help: `kanihook rebuild BUILD [--verbosity LEVEL] [--follow]: build the same commit again

${buildHelp}
  --verbosity LEVEL
              how much Kaniko says, this time: ${verbosities.join(', ')}
  --follow, -f
              follow the new build as kanihook logs -f does
${apiHelp}

Prints the id of the new build. It is built as kanihook.yaml said when it was pushed, and refused where
the branch has moved on.`,

  async run(args, terminal) {
    const { values, positionals } = readArguments(
      args,
      {
        ...apiOptions,
        verbosity: { type: 'string' },
        follow: { type: 'boolean', short: 'f', default: false },
      },
      ['BUILD'],
    )
    const verbosity =
      values.verbosity === undefined
        ? undefined
        : oneOf('--verbosity', verbosities, values.verbosity)
    const api = createApiClient(readApiSettings(terminal.env, values.url))
    const id = await findBuild(api, positionals[0] ?? '')
    const made = await api.rebuild(id, verbosity)
    if (!values.follow) terminal.print(made.id)
    terminal.tell(`${about(made)} is built again: build ${made.id}, attempt ${made.attempt}`)
    return values.follow ? followBuild(made.id, { api, terminal, timestamps: false }) : 0
  },
}
