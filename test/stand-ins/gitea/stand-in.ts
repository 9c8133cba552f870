import {
  startForgeServer,
  type Answer,
  type ForgeServer,
  type SeenRequest,
} from '../forge-server.ts'

export interface GiteaStandInOptions {
  /** Full paths. */
  readonly repositories: readonly string[]
  readonly tokens: readonly string[]
  /** Whose tokens they are; `dev` unless said. */
  readonly login?: string
  /** What the tokens may do; `all` unless said. */
  readonly scopes?: readonly string[]
  /** Every commit is there, unless said. */
  readonly hasCommit?: (path: string, sha: string) => boolean
  /** Told of each status when it is taken. */
  readonly taken?: (path: string, sha: string, status: GiteaStatus) => void
}

/** A status as Gitea's API gives it back. */
export interface GiteaStatus {
  readonly id: number
  readonly status: 'pending' | 'success' | 'error' | 'failure' | 'warning'
  readonly context: string
  readonly description: string
  readonly target_url: string
}

const states: ReadonlySet<unknown> = new Set(['pending', 'success', 'error', 'failure', 'warning'])

const refuse = (status: number, message: string): Answer => ({
  status,
  body: { message, url: 'https://gitea.example/api/swagger' },
})

const isAllowed = ({ headers }: SeenRequest, tokens: readonly string[]) =>
  tokens.some((token) =>
    [`token ${token}`, `Bearer ${token}`].includes(headers.authorization ?? ''),
  )

/**
 * A stand-in for the commit statuses of Gitea's REST API, `POST` and `GET …/statuses/{sha}`, for a repository
 * (its id is its place in the list, from 1), and for `/user` and `/version`. As in Gitea, a token's scopes are looked at before the repository is.
 */
export async function createGiteaStandIn(options: GiteaStandInOptions): Promise<ForgeServer> {
  const { repositories, tokens, hasCommit = () => true, taken } = options
  const { login = 'dev', scopes = ['all'] } = options
  const records = new Map<string, GiteaStatus[]>()

  function create(path: string, sha: string, body: unknown): Answer {
    const key = `${path}@${sha}`
    const { state, context, description, target_url: url } = (body ?? {}) as Record<string, string>
    if (!states.has(state)) return refuse(422, '[]: state is invalid')
    const all = records.get(key) ?? []
    const status: GiteaStatus = {
      id: all.length + 1,
      status: state as GiteaStatus['status'],
      context: context || 'default',
      description: description ?? '',
      target_url: url ?? '',
    }
    records.set(key, [status, ...all])
    taken?.(path, sha, status)
    return { status: 201, body: status }
  }

  function lacking(method: string, category: string): Answer | undefined {
    const needed = `${method === 'GET' ? 'read' : 'write'}:${category}`
    const may = ['all', needed, `write:${category}`].some((scope) => scopes.includes(scope))
    if (may) return undefined
    const required = `required=[${needed}], token scope=${scopes.join(',')}`
    return refuse(403, `token does not have at least one of required scope(s), ${required}`)
  }

  function about(request: SeenRequest): Answer | undefined {
    const question = `${request.method} ${request.path}`
    if (question === 'GET /api/v1/user') {
      return lacking('GET', 'user') ?? { status: 200, body: { id: 1, login } }
    }
    if (question === 'GET /api/v1/version') {
      return lacking('GET', 'misc') ?? { status: 200, body: { version: '1.26.0' } }
    }
    return undefined
  }

  return startForgeServer('gitea', (request) => {
    const [scope, owner, repo, what, sha = '', ...rest] = request.segments.slice(2)
    if (isAllowed(request, tokens)) {
      const answer = about(request)
      if (answer) return answer
    } else return refuse(401, 'invalid username, password or token')
    if (!request.path.startsWith('/api/v1/') || scope !== 'repos' || rest.length > 0) {
      return refuse(404, 'not found')
    }
    const lacks = lacking(request.method, 'repository')
    if (lacks) return lacks
    const path = `${owner}/${repo}`
    if (request.method === 'GET' && what === undefined) {
      // Gitea takes a path whatever its case, and answers with its own.
      const at = repositories.findIndex((known) => known.toLowerCase() === path.toLowerCase())
      if (at < 0) return refuse(404, "The target couldn't be found.")
      return {
        status: 200,
        body: { id: at + 1, full_name: repositories[at], default_branch: 'main' },
      }
    }
    if (!repositories.includes(path) || what !== 'statuses' || !hasCommit(path, sha)) {
      return refuse(404, "The target couldn't be found.")
    }
    if (request.method === 'POST') return create(path, sha, request.body)
    return { status: 200, body: records.get(`${path}@${sha}`) ?? [] }
  })
}
