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
  /** Every commit is there, unless said. */
  readonly hasCommit?: (path: string, sha: string) => boolean
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

/** A stand-in for the commit statuses of Gitea's REST API: `POST` and `GET …/statuses/{sha}`. */
export async function createGiteaStandIn(options: GiteaStandInOptions): Promise<ForgeServer> {
  const { repositories, tokens, hasCommit = () => true } = options
  const records = new Map<string, GiteaStatus[]>()

  function create(key: string, body: unknown): Answer {
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
    return { status: 201, body: status }
  }

  return startForgeServer('gitea', (request) => {
    const [scope, owner, repo, what, sha = '', ...rest] = request.segments.slice(2)
    if (!request.path.startsWith('/api/v1/') || scope !== 'repos' || rest.length > 0) {
      return refuse(404, 'not found')
    }
    if (!isAllowed(request, tokens)) return refuse(401, 'invalid username, password or token')
    const path = `${owner}/${repo}`
    if (!repositories.includes(path) || what !== 'statuses' || !hasCommit(path, sha)) {
      return refuse(404, "The target couldn't be found.")
    }
    if (request.method === 'POST') return create(`${path}@${sha}`, request.body)
    return { status: 200, body: records.get(`${path}@${sha}`) ?? [] }
  })
}
