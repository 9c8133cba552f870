import { createApiClient } from './api/client.ts'
import { findBuild } from './api/find-build.ts'
import { apiHelp, apiOptions, buildHelp } from './api/options.ts'
import { readApiSettings } from './api/settings.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { about, hasEnded } from './words.ts'

export const cancel: Command = {
  help: `kanihook cancel BUILD: ask a build to end

${buildHelp}
${apiHelp}

One that waits ends at once, one that runs as soon as its pod is gone: kanihook logs -f BUILD waits for
that. What it has pushed by then stays.`,

  async run(args, { env, print }) {
    const { values, positionals } = readArguments(args, apiOptions, ['BUILD'])
    const api = createApiClient(readApiSettings(env, values.url))
    const build = await api.cancel(await findBuild(api, positionals[0] ?? ''))
    print(
      hasEnded(build)
        ? `${about(build)}: ${build.state}`
        : `${about(build)} was asked to end; it does when its pod is gone`,
    )
    return 0
  },
}
