import { z } from 'zod'
import { fine, failure } from '../../remark.ts'
import { createApi, isSuccess, type ApiRequest } from '../api.ts'
import {
  examination,
  examined,
  examineTimeoutMs,
  expiryRemarks,
  rateLeft,
  refusedToken,
  type ForgeExamination,
} from '../examination.ts'
import type { ForgeSettings } from '../forge.ts'
import { configuredToken } from '../login.ts'

const newToken =
  'set GITLAB_TOKEN to a personal, group or project access token with the scope api, as Developer or above'

const tokenSchema = z.object({
  scopes: z.array(z.string()),
  expires_at: z.string().nullish(),
})
const userSchema = z.object({ username: z.string() })

/**
 * Asks GitLab about the token: https://docs.gitlab.com/api/personal_access_tokens (`self`), which other
 * kinds of tokens do not have, and who its user is. Statuses need the scope `api`.
 */
export const examineGitlab = ({ apiUrl, login }: ForgeSettings): Promise<ForgeExamination> =>
  examined('GITLAB', async () => {
    const api = createApi({ forge: 'GitLab', baseUrl: apiUrl, timeoutMs: examineTimeoutMs })
    const token = configuredToken('GitLab', login)
    const get = (path: readonly string[]): ApiRequest => ({
      method: 'GET',
      path,
      login: { header: 'private-token', token },
      what: 'the question about the token',
      check: 'is GITLAB_API_URL right?',
    })
    const [self, user] = await Promise.all([
      api.send(get(['personal_access_tokens', 'self'])),
      api.send(get(['user'])),
    ])
    if (self.status === 401 && user.status === 401) return refusedToken(user, newToken)
    const facts = tokenSchema.safeParse(isSuccess(self) ? self.body : undefined).data
    const owner = userSchema.safeParse(isSuccess(user) ? user.body : undefined).data?.username
    if (!facts && owner === undefined) {
      const odd = isSuccess(user) ? undefined : api.error(get(['user']), user)
      if (odd) throw odd
      return examination([failure('what answers is not GitLab', 'mend GITLAB_API_URL')], user)
    }

    const number = (name: string): number | undefined => {
      const text = user.headers.get(name)
      return text !== null && /^\d+$/.test(text) ? Number(text) : undefined
    }
    const left = rateLeft(number('ratelimit-limit'), number('ratelimit-remaining'))
    const whose = owner === undefined ? 'valid; its scopes do not show whose it is' : `${owner}'s`
    const scopes = facts
      ? `, with the scopes ${facts.scopes.join(', ')}`
      : ' (GitLab does not show its scopes; it needs api)'
    return examination(
      [
        fine(`the token is ${whose}${scopes}${left.words}`),
        ...(facts && !facts.scopes.includes('api')
          ? [failure('the token may not set commit statuses: it lacks the scope api', newToken)]
          : []),
        ...expiryRemarks(facts?.expires_at, 'GITLAB_TOKEN', Date.now()),
        ...left.remarks,
      ],
      user,
    )
  })
