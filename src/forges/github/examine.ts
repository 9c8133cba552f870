import { z } from 'zod'
import { fine, failure, warning, type Remark } from '../../remark.ts'
import { isSuccess, type Api, type ApiRequest } from '../api.ts'
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
import { createGithubApi } from './rest.ts'
import { createSigner, type AppLogin } from './tokens.ts'

const newToken =
  'set GITHUB_TOKEN to a classic token with the scope repo, or to a fine-grained one with contents: read and commit statuses: write'

/** Asks GitHub about the token or the App. */
export const examineGithub = ({ apiUrl, login }: ForgeSettings): Promise<ForgeExamination> =>
  examined('GITHUB', () => {
    const api = createGithubApi(apiUrl, { timeoutMs: examineTimeoutMs })
    return login && 'appId' in login
      ? examineApp(api, login)
      : examineToken(api, configuredToken('GitHub', login))
  })

const get = (path: readonly string[], token: string): ApiRequest => ({
  method: 'GET',
  path,
  login: { header: 'authorization', scheme: 'Bearer', token },
  what: 'the question about the login',
  check: 'is this a token of a person, and GITHUB_API_URL right?',
})

const userSchema = z.object({ login: z.string() })
const rateSchema = z.object({
  resources: z.object({ core: z.object({ limit: z.number(), remaining: z.number() }) }),
})

async function examineToken(api: Api, token: string): Promise<ForgeExamination> {
  const request = get(['user'], token)
  const [answer, rate] = await Promise.all([
    api.send(request),
    // Not counted against the limit; 404 where a GitHub Enterprise Server has none.
    api.send(get(['rate_limit'], token)).catch(() => undefined),
  ])
  if (answer.status === 401) return refusedToken(answer, newToken)
  if (!isSuccess(answer)) throw api.error(request, answer)
  const owner = userSchema.safeParse(answer.body).data?.login
  if (owner === undefined) return examination([noGithub], answer)

  const core = rateSchema.safeParse(rate?.body).data?.resources.core
  const left = rateLeft(core?.limit, core?.remaining)
  const scopes = scopeFacts(answer.headers.get('x-oauth-scopes'), token)
  const end = answer.headers.get('github-authentication-token-expiration')
  return examination(
    [
      fine(`the token is ${owner}'s${scopes.words}${left.words}`),
      ...scopes.remarks,
      ...expiryRemarks(end, 'GITHUB_TOKEN', Date.now()),
      ...left.remarks,
    ],
    answer,
  )
}

const noGithub = failure('what answers is not GitHub', 'mend GITHUB_API_URL')

/**
 * What a classic token may do (https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
 * GitHub does not show the permissions of a fine-grained one.
 */
function scopeFacts(
  header: string | null,
  token: string,
): { readonly words: string; readonly remarks: readonly Remark[] } {
  if (header === null || token.startsWith('github_pat_')) {
    const words =
      ' (fine-grained: GitHub does not show what it may do; it needs contents: read and commit statuses: write; webhooks: write to ask for failed deliveries again)'
    return { words, remarks: [] }
  }
  const scopes = header.split(',').map((scope) => scope.trim())
  const words = `, with the scopes ${scopes.filter(Boolean).join(', ') || '(none)'}`
  if (scopes.includes('repo')) return { words, remarks: [] }
  const hooks = scopes.includes('admin:repo_hook') ? [] : [noHooks]
  const publicOnly = scopes.includes('public_repo') || scopes.includes('repo:status')
  const remark = publicOnly
    ? warning('the token cannot clone private repositories', `for these ${newToken}`)
    : failure('the token may not set commit statuses', newToken)
  return { words, remarks: [remark, ...hooks] }
}

const noHooks = fine(
  'the token may not ask for failed deliveries again (scope repo or admin:repo_hook): their pushes are found by the sweep alone',
)

const appSchema = z.object({
  slug: z.string().optional(),
  name: z.string(),
  permissions: z.record(z.string(), z.string()),
  installations_count: z.int().optional(),
})

async function examineApp(api: Api, login: AppLogin): Promise<ForgeExamination> {
  const request = get(['app'], await createSigner(login)())
  const answer = await api.send(request)
  if (answer.status === 401 || answer.status === 404) {
    const refused = failure(
      `GitHub knows no App ${login.appId} with this key (${answer.status})`,
      "set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY to those of one App, and look at this machine's clock",
    )
    return examination([refused], answer)
  }
  if (!isSuccess(answer)) throw api.error(request, answer)
  const app = appSchema.safeParse(answer.body).data
  if (!app) return examination([noGithub], answer)
  const { permissions, installations_count: installations } = app
  const missing = [
    ...(permissions['contents'] === undefined ? ['contents: read'] : []),
    ...(permissions['statuses'] === 'write' ? [] : ['commit statuses: write']),
  ]
  const where = installations === undefined ? '' : `, installed ${times(installations)}`
  return examination(
    [
      fine(`the App ${app.slug ?? app.name}${where}`),
      ...(missing.length === 0
        ? []
        : [
            failure(
              `the App lacks ${missing.join(' and ')}`,
              "grant it in the App's settings, and accept it in each installation",
            ),
          ]),
      ...(installations === 0
        ? [failure('the App is installed nowhere', 'install it on the repositories to build')]
        : []),
    ],
    answer,
  )
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)
