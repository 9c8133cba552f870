import { createApiClient } from './api/client.ts'
import { findBuild } from './api/find-build.ts'
import { apiHelp, apiOptions, buildHelp } from './api/options.ts'
import { readApiSettings } from './api/settings.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { followBuild } from './follow.ts'
import { logLines } from './log-lines.ts'
import { about, remarkLines, result } from './words.ts'

export const logs: Command = {
  help: `kanihook logs [-f] BUILD: print the log of a build

${buildHelp}
  --follow, -f
              go on until the build has ended; exits with 0 where it succeeded or was skipped, else 1
  --timestamps, -t
              begin each line with its time
${apiHelp}`,

  async run(args, terminal) {
    const { values, positionals } = readArguments(
      args,
      {
        ...apiOptions,
        follow: { type: 'boolean', short: 'f', default: false },
        timestamps: { type: 'boolean', short: 't', default: false },
      },
      ['BUILD'],
    )
    const { timestamps } = values
    const api = createApiClient(readApiSettings(terminal.env, values.url))
    const id = await findBuild(api, positionals[0] ?? '')
    if (values.follow) return followBuild(id, { api, terminal, timestamps })
    const log = await api.log(id, 0)
    const lines = logLines(log, { timestamps })
    const build = await api.build(id)
    if (lines.length > 0) {
      terminal.print(lines.join('\n'))
      for (const remark of remarkLines(build)) terminal.tell(remark)
    } else {
      terminal.tell(`${about(build)} has no log: ${build.state}: ${result(build)}`)
    }
    return 0
  },
}
