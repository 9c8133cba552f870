import { cloneUrl, sshUrl } from '../clone-url.ts'
import type { Repository } from '../../builds/push-event.ts'
import { ForgeRefused } from '../api-errors.ts'
import type { ApiLogin, Budget } from '../api.ts'
import { needOf, type CommitStatus, type ForgeClient, type ForgeSettings } from '../forge.ts'
import { findRepository } from '../found-repository.ts'
import { createGithubDeliveryLog } from './delivery-log.ts'
import { createGithubApi } from './rest.ts'
import { createTokenSource, type Permission } from './tokens.ts'

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
export function createGithubClient(settings: ForgeSettings, budget?: Budget): ForgeClient {
  const api = createGithubApi(settings.apiUrl, { budget })
  const tokenFor = createTokenSource(settings.login, api)
  const isApp = settings.login !== undefined && 'appId' in settings.login

  /** An installation's requests are counted together, whichever of its tokens they come with. */
  const loginWith = (token: string, { path }: Repository): ApiLogin => ({
    header: 'authorization',
    scheme: 'Bearer',
    token,
    ...(isApp ? { account: `installation ${path.split('/')[0]?.toLowerCase()}` } : {}),
  })

  /** Asks with a token for the purpose; once more with another where GitHub does not take that one any more. */
  async function withToken<T>(
    repository: Repository,
    permission: Permission,
    ask: (login: ApiLogin) => Promise<T>,
  ): Promise<T> {
    const token = await tokenFor(repository, permission)
    try {
      return await ask(loginWith(token, repository))
    } catch (error) {
      if (!(error instanceof ForgeRefused) || error.status !== 401) throw error
      const another = await tokenFor(repository, permission, token)
      if (another === token) throw error
      return await ask(loginWith(another, repository))
    }
  }

  return {
    cloneUrl: (repository) => cloneUrl(settings, repository),
    sshUrl: (repository) => sshUrl(settings, repository),

    credential: async (repository) => ({
      username: 'x-access-token',
      password: await tokenFor(repository, 'contents: read'),
    }),

    find(repository) {
      const path = ['repos', ...repository.path.split('/')]
      return withToken(repository, 'contents: read', (login) =>
        findRepository(api, { path, login }),
      )
    },

    deliveryLog: createGithubDeliveryLog(settings, api),

    async postStatus({ repository, sha, status }) {
      const request = {
        method: 'POST',
        path: ['repos', ...repository.path.split('/'), 'statuses', sha],
        body: {
          state: states[status.state],
          context: status.context,
          description: status.description,
          target_url: status.targetUrl,
        },
        need: needOf(status),
        what: 'the status',
        check: `does the token see ${repository.path} and have commit statuses: write?`,
      } as const
      await withToken(repository, 'statuses: write', (login) => api.call({ ...request, login }))
      return undefined
    },
  }
}
