import {
  startForgeServer,
  type Answer,
  type ForgeServer,
  type SeenRequest,
} from '../forge-server.ts'
import { createApp, type AppOptions } from './app.ts'
import { answerFaults, describedExample, describedPath, requestFaults } from './description.ts'

export interface GithubStandInOptions {
  readonly repositories: readonly GithubRepository[]
  /** Personal tokens, which see every repository. */
  readonly tokens?: readonly string[]
  /** Whose tokens they are, and what they may do. */
  readonly account?: GithubAccount
  readonly app?: AppOptions
  /** Webhooks by the path of their repository. Tokens of the scope `repo` see them, and fine-grained ones that are said to. */
  readonly hooks?: Readonly<Record<string, readonly GithubHook[]>>
  /** The webhook of the App. */
  readonly appHook?: GithubHook
  /** How many requests it takes; each answer then tells how many are left until the end, in milliseconds since the epoch. */
  readonly window?: { readonly limit: number; readonly remaining: number; readonly endsAt: number }
  /** Every commit is there, unless said. */
  readonly hasCommit?: (path: string, sha: string) => boolean
}

export interface GithubAccount {
  readonly login: string
  /** `repo, read:org`; undefined: the tokens are fine-grained, and GitHub does not say. */
  readonly scopes?: string
  /** Whether fine-grained tokens may read and write webhooks. */
  readonly mayHooks?: boolean
  /** `2027-01-31 12:00:00 UTC`; undefined: they do not end. */
  readonly expiresAt?: string
  /** Of 5000 requests; 4990 unless said. */
  readonly remaining?: number
}

export interface GithubRepository {
  readonly id: number
  readonly path: string
}

export interface GithubHook {
  readonly id: number
  readonly url: string
  /** Newest first. */
  readonly deliveries: readonly GithubDelivery[]
}

export interface GithubDelivery {
  readonly id: number
  readonly guid: string
  readonly event: string
  /** 0: kanihook could not be reached. */
  readonly code: number
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What it answers when it is asked to send it again; unless said, it does. */
  readonly again?: Answer
}

export interface GithubStatus {
  readonly state: 'error' | 'failure' | 'pending' | 'success'
  readonly context: string
  readonly description: string | null
  readonly target_url: string | null
}

export interface GithubStandIn extends ForgeServer {
  /** The statuses of a commit, oldest first; the last of a context is the one that GitHub shows. */
  statuses(path: string, sha: string): readonly GithubStatus[]
  /** Ends every token of an installation that was issued so far. */
  revokeTokens(): void
  /** The ids of the deliveries that it was asked to send again, oldest first. */
  readonly resent: readonly number[]
  /** What GitHub's own description has against the requests and answers so far; none is right. */
  readonly violations: readonly string[]
}

const refuse = (status: number, message: string): Answer => ({
  status,
  body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) },
})

/** What GitHub says when it has had enough, or will not; for `fail` and `again`. */
export const githubFaults = {
  rateLimit: (resetAt: number): Answer => ({
    ...refuse(403, 'API rate limit exceeded for user ID 1.'),
    headers: {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
    },
  }),
  secondaryLimit: refuse(403, 'You have exceeded a secondary rate limit. Please wait.'),
  notFound: refuse(404, 'Not Found'),
  invalid: refuse(422, 'Validation Failed'),
  serverError: refuse(500, 'Server Error'),
}

const bearer = ({ headers }: SeenRequest) =>
  /^(?:bearer|token) (?<token>\S+)$/i.exec(headers.authorization ?? '')?.groups?.['token'] ?? ''

/**
 * A stand-in for the part of GitHub's REST API that kanihook uses. Each request and each answer is
 * held against GitHub's official description; one that does not fit gets 422 and is a violation.
 */
export async function createGithubStandIn(options: GithubStandInOptions): Promise<GithubStandIn> {
  const { repositories, tokens = [], hasCommit = () => true } = options
  const account: GithubAccount = options.account ?? { login: 'octocat', scopes: 'repo' }
  const app = options.app && createApp(options.app)
  const statuses = new Map<string, GithubStatus[]>()
  const violations: string[] = []
  let remaining = options.window?.remaining ?? 0
  const resent: number[] = []

  /** Why the token may not write statuses of the repository; undefined: it may. */
  function noStatuses(token: string, repository: GithubRepository | undefined) {
    const installation = app?.find(token)
    if (!tokens.includes(token) && !installation) return refuse(401, 'Bad credentials')
    if (!repository) return refuse(404, 'Not Found')
    if (!installation) return undefined
    if (!installation.repositoryIds.includes(repository.id)) return refuse(404, 'Not Found')
    if (installation.permissions['statuses'] === 'write') return undefined
    return refuse(403, 'Resource not accessible by integration')
  }

  function createStatus(request: SeenRequest, path: string, sha: string): Answer {
    const repository = repositories.find((known) => known.path === path)
    const refused = noStatuses(bearer(request), repository)
    if (refused) return refused
    if (!hasCommit(path, sha)) return refuse(422, `No commit found for SHA: ${sha}`)
    const body = request.body as Partial<GithubStatus> & Pick<GithubStatus, 'state'>
    if (Array.from(body.description ?? '').length > 140) {
      return refuse(422, 'Validation Failed: description is too long (maximum is 140 characters)')
    }
    if (body.target_url && !/^https?:\/\//.test(body.target_url)) {
      return refuse(422, 'Validation Failed: target_url must use http(s) scheme')
    }
    const status: GithubStatus = {
      state: body.state,
      context: body.context ?? 'default',
      description: body.description ?? null,
      target_url: body.target_url ?? null,
    }
    const all = [...(statuses.get(`${path}@${sha}`) ?? []), status]
    statuses.set(`${path}@${sha}`, all)
    const at = new Date().toISOString()
    return {
      status: 201,
      body: {
        ...status,
        url: `https://api.github.com${request.path}`,
        id: all.length,
        node_id: 'MDY6U3RhdHVzMQ==',
        avatar_url: null,
        creator: null,
        created_at: at,
        updated_at: at,
      },
    }
  }

  function aboutRepository(request: SeenRequest, path: string): Answer {
    const token = bearer(request)
    const installation = app?.find(token)
    if (!tokens.includes(token) && !installation) return refuse(401, 'Bad credentials')
    const known = repositories.find((each) => each.path.toLowerCase() === path.toLowerCase())
    if (!known || (installation && !installation.repositoryIds.includes(known.id))) {
      return refuse(404, 'Not Found')
    }
    // It is no fork; and GitHub's example lacks what its description asks for.
    const example = { ...describedExample('full-repository-default-response'), source: undefined }
    const own = { id: known.id, name: known.path.split('/')[1], full_name: known.path }
    return { status: 200, body: { ...example, ...own, language: null } }
  }

  /** Why the token may not touch webhooks: GitHub shows 404 to whom it hides them from. */
  function noHooks(request: SeenRequest): Answer | undefined {
    if (!tokens.includes(bearer(request))) return refuse(401, 'Bad credentials')
    const { scopes, mayHooks = false } = account
    const may = scopes === undefined ? mayHooks : /(^|[ ,])(repo|admin:repo_hook)\b/.test(scopes)
    return may ? undefined : refuse(404, 'Not Found')
  }

  function listHooks(request: SeenRequest, path: string): Answer {
    const refused = noHooks(request)
    if (refused) return refused
    const example = describedExample('hook')
    const body = (options.hooks?.[path] ?? []).map(({ id, url }) => ({
      ...example,
      id,
      config: { url, content_type: 'json', insecure_ssl: '0' },
    }))
    return { status: 200, body }
  }

  const hookOf = (request: SeenRequest): GithubHook | undefined => {
    const [, owner, repo, , id] = request.segments
    return options.hooks?.[`${owner}/${repo}`]?.find((hook) => String(hook.id) === id)
  }

  /** Two a page, so that a short list has several; the cursor is the number of the first one. */
  function listDeliveries(request: SeenRequest, hook: GithubHook | undefined): Answer {
    if (!hook) return refuse(404, 'Not Found')
    const from = Number(request.query.get('cursor') ?? 0)
    const failed = request.query.get('status') === 'failure'
    const listed = hook.deliveries.filter(({ code }) => !failed || code < 200 || code > 299)
    const next = `<${server.url}${request.path}?cursor=${from + 2}>; rel="next"`
    return {
      status: 200,
      headers: listed.length > from + 2 ? { link: next } : {},
      body: listed.slice(from, from + 2).map(({ id, guid, event, code, at }) => ({
        id,
        guid,
        event,
        action: null,
        delivered_at: new Date(at).toISOString(),
        redelivery: false,
        duration: 0.1,
        status: code === 0 ? 'failed to connect' : code < 300 ? 'OK' : 'Invalid HTTP Response',
        status_code: code,
        installation_id: null,
        repository_id: null,
      })),
    }
  }

  function resend(hook: GithubHook | undefined, id: string | undefined): Answer {
    const delivery = hook?.deliveries.find((each) => String(each.id) === id)
    if (!delivery) return refuse(422, 'Validation Failed')
    if (delivery.again) return delivery.again
    resent.push(delivery.id)
    return { status: 202, body: {} }
  }

  const noApp = (request: SeenRequest): Answer | undefined =>
    app?.isJwt(bearer(request)) ? undefined : refuse(401, 'A JSON web token could not be decoded')

  function installation(request: SeenRequest, path: string): Answer {
    const refused = noApp(request)
    if (refused || !app) return refused ?? refuse(401, 'Bad credentials')
    const repository = repositories.find((known) => known.path === path)
    if (!repository || !app.isInstalledOn(path)) return refuse(404, 'Not Found')
    const at = new Date().toISOString()
    return {
      status: 200,
      body: {
        id: 1,
        app_id: Number(app.id),
        app_slug: 'kanihook',
        account: null,
        target_id: 1,
        target_type: 'Organization',
        repository_selection: 'selected',
        access_tokens_url: 'https://api.github.com/app/installations/1/access_tokens',
        repositories_url: 'https://api.github.com/installation/repositories',
        html_url: 'https://github.com/settings/installations/1',
        permissions: { contents: 'read', statuses: 'write', metadata: 'read' },
        events: ['push'],
        single_file_name: null,
        created_at: at,
        updated_at: at,
        suspended_by: null,
        suspended_at: null,
      },
    }
  }

  function accessToken(request: SeenRequest): Answer {
    const refused = noApp(request)
    if (refused || !app) return refused ?? refuse(401, 'Bad credentials')
    const body = (request.body ?? {}) as {
      repository_ids?: number[]
      /** Names without the owner. */
      repositories?: string[]
      permissions?: Record<string, string>
    }
    const installed = repositories.filter(({ path }) => app.isInstalledOn(path)).map(({ id }) => id)
    const named = body.repositories?.map(
      (name) => repositories.find(({ path }) => path.endsWith(`/${name}`))?.id ?? 0,
    )
    const ids = body.repository_ids ?? named ?? installed
    if (!ids.every((id) => installed.includes(id))) {
      return refuse(
        422,
        'There is at least one repository that does not exist or is not accessible',
      )
    }
    const issued = app.issue(body.permissions ?? { contents: 'read', statuses: 'write' }, ids)
    return {
      status: 201,
      body: {
        token: issued.token,
        expires_at: new Date(issued.expiresAt).toISOString().replace(/\.\d+/, ''),
        permissions: { ...issued.permissions, metadata: 'read' },
        repository_selection: 'selected',
      },
    }
  }

  function user(request: SeenRequest): Answer {
    const token = bearer(request)
    if (!tokens.includes(token)) {
      return app?.find(token)
        ? refuse(403, 'Resource not accessible by integration')
        : refuse(401, 'Bad credentials')
    }
    const { login, scopes, expiresAt } = account
    const example = describedExample(
      'private-user-response-with-public-and-private-profile-information',
    )
    return {
      status: 200,
      headers: {
        ...(scopes === undefined ? {} : { 'x-oauth-scopes': scopes }),
        ...(expiresAt === undefined ? {} : { 'github-authentication-token-expiration': expiresAt }),
      },
      body: { ...example, login },
    }
  }

  function rateLimit(request: SeenRequest): Answer {
    if (!tokens.includes(bearer(request))) return refuse(401, 'Bad credentials')
    const { remaining = 4990 } = account
    const example = describedExample('rate-limit-overview') as { resources: object }
    const core = { limit: 5000, used: 5000 - remaining, remaining, reset: 1_900_000_000 }
    return { status: 200, body: { ...example, resources: { ...example.resources, core } } }
  }

  function aboutApp(request: SeenRequest): Answer {
    const refused = noApp(request)
    if (refused || !app) return refused ?? refuse(401, 'Bad credentials')
    const { permissions, installations } = app
    const example = describedExample('integration')
    const own = { id: Number(app.id), slug: 'kanihook', permissions }
    return { status: 200, body: { ...example, ...own, installations_count: installations } }
  }

  function route(request: SeenRequest, path: string | undefined): Answer {
    const [, owner, repo, , sha = ''] = request.segments
    switch (`${request.method} ${path}`) {
      case 'GET /user':
        return user(request)
      case 'GET /rate_limit':
        return rateLimit(request)
      case 'GET /app':
        return aboutApp(request)
      case 'GET /repos/{owner}/{repo}/hooks':
        return listHooks(request, `${owner}/${repo}`)
      case 'GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries':
        return noHooks(request) ?? listDeliveries(request, hookOf(request))
      case 'POST /repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}/attempts':
        return noHooks(request) ?? resend(hookOf(request), request.segments[6])
      case 'GET /app/hook/config':
        return noApp(request) ?? { status: 200, body: { url: options.appHook?.url ?? '' } }
      case 'GET /app/hook/deliveries':
        return noApp(request) ?? listDeliveries(request, options.appHook)
      case 'POST /app/hook/deliveries/{delivery_id}/attempts':
        return noApp(request) ?? resend(options.appHook, request.segments[3])
      case 'GET /repos/{owner}/{repo}':
        return aboutRepository(request, `${owner}/${repo}`)
      case 'POST /repos/{owner}/{repo}/statuses/{sha}':
        return createStatus(request, `${owner}/${repo}`, sha)
      case 'GET /repos/{owner}/{repo}/installation':
        return installation(request, `${owner}/${repo}`)
      case 'POST /app/installations/{installation_id}/access_tokens':
        return accessToken(request)
      default:
        return refuse(404, 'Not Found')
    }
  }

  const server = await startForgeServer('github', (request) => {
    const path = describedPath(request.segments)
    const wrong = requestFaults(request.method, path ?? request.path, request.body)
    if (wrong.length > 0) {
      violations.push(...wrong)
      return refuse(422, `Invalid request: ${wrong.join('; ')}`)
    }
    const answer = counted(() => route(request, path))
    violations.push(...answerFaults(request.method, path ?? request.path, answer))
    return answer
  })

  function counted(answer: () => Answer): Answer {
    const { window } = options
    if (!window) return answer()
    if (remaining === 0) return githubFaults.rateLimit(window.endsAt)
    remaining -= 1
    const given = answer()
    const headers = {
      ...given.headers,
      'x-ratelimit-limit': String(window.limit),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(Math.ceil(window.endsAt / 1000)),
    }
    return { ...given, headers }
  }

  return {
    ...server,
    violations,
    resent,
    revokeTokens: () => app?.revokeAll(),
    statuses: (path, sha) => statuses.get(`${path}@${sha}`) ?? [],
  }
}
