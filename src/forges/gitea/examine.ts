import { z } from 'zod'
import { fine, failure, warning, type Remark } from '../../remark.ts'
import { saying, type ApiAnswer } from '../api-errors.ts'
import { createApi, isSuccess, type ApiRequest } from '../api.ts'
import {
  examination,
  examined,
  examineTimeoutMs,
  refusedToken,
  type ForgeExamination,
} from '../examination.ts'
import type { ForgeSettings } from '../forge.ts'
import { configuredToken } from '../login.ts'

const newToken = 'set GITEA_TOKEN to a token with the scope write:repository'

const userSchema = z.object({ login: z.string() })
const versionSchema = z.object({ version: z.string() })

/** How Gitea and Forgejo say that a token is valid and lacks a scope. */
const lacksScope = (answer: ApiAnswer): boolean =>
  answer.status === 403 && /required scope/.test(saying(answer.body))

/**
 * Asks Gitea or Forgejo about the token. No request tells its scopes; but they are looked at before the
 * repository is, so a status for a repository that cannot exist is refused with 403 where
 * write:repository is missing, and with 404 where it is not. Such tokens do not end.
 */
export const examineGitea = ({ apiUrl, login }: ForgeSettings): Promise<ForgeExamination> =>
  examined('GITEA', async () => {
    const api = createApi({ forge: 'Gitea', baseUrl: apiUrl, timeoutMs: examineTimeoutMs })
    const token = configuredToken('Gitea', login)
    const request = (method: ApiRequest['method'], path: readonly string[]): ApiRequest => ({
      method,
      path,
      ...(method === 'POST' ? { body: { state: 'pending' } } : {}),
      login: { header: 'authorization', scheme: 'token', token },
      what: 'the question about the token',
      check: 'is GITEA_API_URL right?',
    })
    const asked = request('GET', ['user'])
    const [user, version, status] = await Promise.all([
      api.send(asked),
      api.send(request('GET', ['version'])),
      api.send(request('POST', nowhere)),
    ])
    if (user.status === 401) return refusedToken(user, newToken)
    if (!isSuccess(user) && !lacksScope(user)) throw api.error(asked, user)
    const owner = userSchema.safeParse(user.body).data?.login
    if (isSuccess(user) && owner === undefined) {
      return examination([failure('what answers is not Gitea', 'mend GITEA_API_URL')], user)
    }
    // A token may lack the scope for this question too.
    const server = versionSchema.safeParse(version.body).data?.version
    const versionWords = server === undefined ? '' : `; the server is ${server}`
    const whose =
      owner === undefined ? 'valid (without read:user it does not show whose it is)' : `${owner}'s`
    const scope = scopeRemark(status)
    const words = scope === undefined ? ', with write:repository' : ''
    return examination(
      [fine(`the token is ${whose}${words}${versionWords}`), ...(scope ? [scope] : [])],
      user,
    )
  })

/** `-` is a name that Gitea and Forgejo reserve: nobody's repository. */
const nowhere = ['repos', '-', '-', 'statuses', '0'.repeat(40)]

function scopeRemark(answer: ApiAnswer): Remark | undefined {
  if (answer.status === 404) return undefined
  if (lacksScope(answer)) {
    return failure('the token may not set commit statuses: it lacks write:repository', newToken)
  }
  return warning(
    `whether the token has write:repository cannot be seen (${answer.status})`,
    'a build shows it',
  )
}
