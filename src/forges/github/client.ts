import { cloneUrl, sshUrl } from '../clone-url.ts'
import type { CommitStatus, ForgeClient, ForgeSettings } from '../forge.ts'
import { findRepository } from '../found-repository.ts'
import { createGithubDeliveryLog } from './delivery-log.ts'
import { createGithubApi } from './rest.ts'
import { createTokenSource } from './tokens.ts'

/** GitHub has four states; a skipped image is a success, so that a required check never blocks. */
const states = {
  queued: 'pending',
  building: 'pending',
  success: 'success',
  skipped: 'success',
  failure: 'failure',
  error: 'error',
  cancelled: 'error',
} as const satisfies Record<CommitStatus['state'], string>

/** https://docs.github.com/rest/commits/statuses */
export function createGithubClient(settings: ForgeSettings): ForgeClient {
  const api = createGithubApi(settings.apiUrl)
  const tokenFor = createTokenSource(settings.login, api)
  return {
    cloneUrl: (repository) => cloneUrl(settings, repository),
    sshUrl: (repository) => sshUrl(settings, repository),

    credential: async (repository) => ({
      username: 'x-access-token',
      password: await tokenFor(repository, 'contents: read'),
    }),

    async find(repository) {
      const token = await tokenFor(repository, 'contents: read')
      const login = { header: 'authorization', scheme: 'Bearer', token }
      const path = ['repos', ...repository.path.split('/')]
      return findRepository(api, { path, login })
    },

    deliveryLog: createGithubDeliveryLog(settings, api),

    async postStatus({ repository, sha, status }) {
      const token = await tokenFor(repository, 'statuses: write')
      await api.call({
        method: 'POST',
        path: ['repos', ...repository.path.split('/'), 'statuses', sha],
        login: { header: 'authorization', scheme: 'Bearer', token },
        body: {
          state: states[status.state],
          context: status.context,
          description: status.description,
          target_url: status.targetUrl,
        },
        what: 'the status',
        check: `does the token see ${repository.path} and have commit statuses: write?`,
      })
      return undefined
    },
  }
}
