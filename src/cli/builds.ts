import { buildStates } from '../builds/build.ts'
import { createApiClient } from './api/client.ts'
import { apiHelp, apiOptions } from './api/options.ts'
import { readApiSettings } from './api/settings.ts'
import { count, oneOf, readArguments } from './arguments.ts'
import { buildsTable } from './builds-table.ts'
import type { Command } from './command.ts'

export const builds: Command = {
  help: `kanihook builds [--repository REPOSITORY] [--state STATE] [--limit N] [--json]: list builds, newest first

  --repository, -r REPOSITORY
              those of one repository: acme/app, or github.com/acme/app
  --state, -s STATE
              those in one state: ${buildStates.join(', ')}
  --limit, -n N
              at most so many (20)
  --json      as the API gives them, for programs
${apiHelp}`,

  async run(args, { env, print, tell, width, colour }) {
    const { values } = readArguments(args, {
      ...apiOptions,
      repository: { type: 'string', short: 'r' },
      state: { type: 'string', short: 's' },
      limit: { type: 'string', short: 'n', default: '20' },
      json: { type: 'boolean', default: false },
    })
    const query = {
      repository: values.repository,
      state: values.state === undefined ? undefined : oneOf('--state', buildStates, values.state),
      limit: count('--limit', values.limit),
    }
    const found = await createApiClient(readApiSettings(env, values.url)).builds(query)
    if (values.json) print(JSON.stringify({ builds: found }))
    else if (found.length === 0) tell('There is no such build.')
    else print(buildsTable(found, { now: Date.now(), width, colour }).join('\n'))
    return 0
  },
}
