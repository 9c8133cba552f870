import { createApi, type Budget } from '../api.ts'
import { cloneUrl, sshUrl } from '../clone-url.ts'
import { needOf, type CommitStatus, type ForgeClient, type ForgeSettings } from '../forge.ts'
import { findRepository } from '../found-repository.ts'
import { configuredToken } from '../login.ts'

/** A skipped image is a success, so that a required check never blocks. */
const states = {
  queued: 'pending',
  building: 'pending',
  success: 'success',
  skipped: 'success',
  failure: 'failure',
  error: 'error',
  cancelled: 'error',
} as const satisfies Record<CommitStatus['state'], string>

/** `POST /repos/{owner}/{repo}/statuses/{sha}` of https://docs.gitea.com/api */
export function createGiteaClient(settings: ForgeSettings, budget?: Budget): ForgeClient {
  const api = createApi({ forge: 'Gitea', baseUrl: settings.apiUrl, budget })
  const token = () => configuredToken('Gitea', settings.login)
  return {
    cloneUrl: (repository) => cloneUrl(settings, repository),
    sshUrl: (repository) => sshUrl(settings, repository),

    // Gitea looks at the token alone; a username has to be there.
    credential: async () => ({ username: 'kanihook', password: token() }),

    find: ({ path }) =>
      findRepository(api, {
        path: ['repos', ...path.split('/')],
        login: { header: 'authorization', scheme: 'token', token: token() },
      }),

    async postStatus({ repository, sha, status }) {
      await api.call({
        method: 'POST',
        path: ['repos', ...repository.path.split('/'), 'statuses', sha],
        login: { header: 'authorization', scheme: 'token', token: token() },
        body: {
          state: states[status.state],
          context: status.context,
          description: status.description,
          target_url: status.targetUrl,
        },
        need: needOf(status),
        what: 'the status',
        check: `does the token see ${repository.path} with the scope write:repository?`,
      })
      return undefined
    },
  }
}
