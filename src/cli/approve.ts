import { createApiClient } from './api/client.ts'
import { apiHelp, apiOptions } from './api/options.ts'
import { readApiSettings } from './api/settings.ts'
import { readArguments } from './arguments.ts'
import { UsageError, type Command } from './command.ts'

export const approve: Command = {
  help: `kanihook approve REPOSITORY NUMBER SHA: have one commit of a fork's pull request built

  REPOSITORY  host/path, as kanihook.yaml matches it: github.com/acme/shop
  NUMBER      of the pull request
  SHA         the commit that you have read, its whole id; it must be the head
${apiHelp}

For entries with pullRequests: approved. Its code runs beside the login of the image's registry: read all
of it first. The next push to the pull request has to be approved again.`,

  async run(args, { env, print }) {
    const { values, positionals } = readArguments(args, apiOptions, ['REPOSITORY', 'NUMBER', 'SHA'])
    const [repository = '', given = '', sha = ''] = positionals
    const number = Number(given.replace(/^(pr:|#|!)/, ''))
    if (!Number.isInteger(number) || number < 1) {
      throw new UsageError('NUMBER must be that of a pull request, such as 12')
    }
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) {
      throw new UsageError('SHA must be the whole id of the commit, 40 or 64 digits in lower case')
    }
    const api = createApiClient(readApiSettings(env, values.url))
    const delivery = await api.approve({ repository, number, sha })
    print(
      `pull request ${number} of ${repository} is approved at ${sha} and planned (delivery ${delivery})`,
    )
    return 0
  },
}
