import {
  startForgeServer,
  type Answer,
  type ForgeServer,
  type SeenRequest,
} from '../forge-server.ts'

export interface GitlabStandInOptions {
  readonly projects: readonly GitlabProject[]
  readonly tokens: readonly string[]
  /** Whose tokens they are, and what they may do; `api` for ever, unless said. */
  readonly account?: GitlabAccount
  /** Every commit is there, unless said. */
  readonly hasCommit?: (path: string, sha: string) => boolean
}

export interface GitlabAccount {
  readonly username: string
  readonly scopes: readonly string[]
  /** `2027-01-31`; undefined: they do not end. */
  readonly expiresAt?: string
}

export interface GitlabProject {
  readonly id: number
  readonly path: string
}

const states = ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'] as const

export interface GitlabStatus {
  readonly id: number
  readonly pipeline: number
  readonly ref: string
  readonly name: string
  readonly state: (typeof states)[number]
  readonly description: string | null
  readonly targetUrl: string | null
}

export interface GitlabStandIn extends ForgeServer {
  /** The records of a commit, oldest first; the last of a name, ref and pipeline is shown. */
  statuses(path: string, sha: string): readonly GitlabStatus[]
  /** While locked, a status is refused with 409, as when another request holds the pipeline. */
  lock(locked: boolean): void
  /** Deletes every pipeline: their ids are not found from now on. */
  deletePipelines(): void
}

const refuse = (status: number, message: string): Answer => ({ status, body: { message } })

const isOpen = ({ state }: GitlabStatus) => state === 'pending' || state === 'running'

/** How GitLab names the step to a state. */
const events = {
  pending: 'enqueue',
  running: 'run',
  success: 'success',
  failed: 'drop',
  canceled: 'cancel',
  skipped: 'skip',
} as const satisfies Record<GitlabStatus['state'], string>

/** An open status goes forward alone: not to what it is, and not from running back to pending. */
const canGo = (from: GitlabStatus['state'], to: GitlabStatus['state']) =>
  from !== to && to !== 'pending'

interface StatusBody {
  readonly state: GitlabStatus['state']
  readonly ref?: string
  readonly name?: string
  readonly description?: string
  readonly target_url?: string
  readonly pipeline_id?: number
}

/** What GitLab's documentation has against a body; undefined: nothing. */
function bodyFault(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return 'state is missing'
  const {
    state,
    name,
    description,
    target_url: url,
    ref,
    pipeline_id: pipeline,
  } = body as Record<string, unknown>
  if (!states.includes(state as StatusBody['state'])) return 'state does not have a valid value'
  for (const [key, value] of Object.entries({ name, description, target_url: url, ref })) {
    if (value !== undefined && typeof value !== 'string') return `${key} is invalid`
    if (value !== undefined && value.length > 255) return `${key} is too long (maximum is 255)`
  }
  if (typeof url === 'string' && !/^https?:\/\//.test(url)) return 'target_url is blocked'
  if (pipeline !== undefined && !Number.isInteger(pipeline)) return 'pipeline_id is invalid'
  return undefined
}

/**
 * A stand-in for what GitLab's REST API says of a token and its user, for a project by its path, and for
 * `POST /projects/:id/statuses/:sha` with its documented rules
 * (https://docs.gitlab.com/api/commits/#set-commit-pipeline-status): only a status that is pending or
 * running is updated, one that has ended is followed by a new one, and a step that leads nowhere is 400.
 */
export async function createGitlabStandIn(options: GitlabStandInOptions): Promise<GitlabStandIn> {
  const { projects, tokens, hasCommit = () => true } = options
  const account: GitlabAccount = options.account ?? { username: 'tanuki', scopes: ['api'] }
  const records = new Map<string, GitlabStatus[]>()
  /** The pipeline of a commit and ref, by `path@sha ref`. */
  const pipelines = new Map<string, number>()
  let lastId = 100
  let locked = false

  const isAllowed = ({ headers }: SeenRequest) =>
    tokens.some(
      (token) => headers['private-token'] === token || headers.authorization === `Bearer ${token}`,
    )

  function setStatus(project: GitlabProject, sha: string, body: StatusBody): Answer {
    const { ref = 'main', name = 'default', state } = body
    const pipelineKey = `${project.path}@${sha} ${ref}`
    const known = pipelines.get(pipelineKey)
    if (body.pipeline_id !== undefined && body.pipeline_id !== known) {
      return refuse(404, '404 Pipeline for pipeline_id, sha and ref Not Found')
    }
    const pipeline = known ?? ++lastId
    pipelines.set(pipelineKey, pipeline)

    const all = records.get(`${project.path}@${sha}`) ?? []
    const open = all.findLast(
      (status) =>
        status.name === name &&
        status.ref === ref &&
        status.pipeline === pipeline &&
        isOpen(status),
    )
    if (open && !canGo(open.state, state)) {
      const via = `via :${events[state]} from :${open.state}`
      return refuse(
        400,
        `Cannot transition status ${via} (Reason(s): Status cannot transition via "${events[state]}")`,
      )
    }
    const status: GitlabStatus = {
      id: open?.id ?? ++lastId,
      pipeline,
      ref,
      name,
      state,
      description: body.description ?? null,
      targetUrl: body.target_url ?? null,
    }
    records.set(`${project.path}@${sha}`, [...all.filter((other) => other !== open), status])
    return {
      status: 201,
      body: {
        id: status.id,
        sha,
        ref,
        status: state,
        name,
        target_url: status.targetUrl,
        description: status.description,
        pipeline_id: pipeline,
        created_at: new Date().toISOString(),
        allow_failure: false,
      },
    }
  }

  /** `GET /personal_access_tokens/self`: every token may ask about itself. */
  const self = (): Answer => ({
    status: 200,
    body: {
      id: 4,
      name: 'kanihook',
      revoked: false,
      created_at: '2026-01-01T00:00:00.000Z',
      description: '',
      scopes: account.scopes,
      user_id: 42,
      last_used_at: null,
      active: true,
      expires_at: account.expiresAt ?? null,
    },
  })

  function user(): Answer {
    if (!account.scopes.some((scope) => ['api', 'read_api', 'read_user'].includes(scope))) {
      const error_description = 'The request requires higher privileges than provided.'
      return { status: 403, body: { error: 'insufficient_scope', error_description } }
    }
    return { status: 200, body: { id: 42, username: account.username, state: 'active' } }
  }

  const server = await startForgeServer('gitlab', (request) => {
    const question = `${request.method} ${request.path}`
    if (question === 'GET /api/v4/personal_access_tokens/self') {
      return isAllowed(request) ? self() : refuse(401, '401 Unauthorized')
    }
    if (question === 'GET /api/v4/user') {
      return isAllowed(request) ? user() : refuse(401, '401 Unauthorized')
    }
    const [scope, id, what, sha = '', ...rest] = request.segments.slice(2)
    if (request.method === 'GET' && scope === 'projects' && what === undefined) {
      if (!isAllowed(request)) return refuse(401, '401 Unauthorized')
      const known = projects.find(({ path }) => path.toLowerCase() === id?.toLowerCase())
      if (!known) return refuse(404, '404 Project Not Found')
      const body = { id: known.id, path_with_namespace: known.path, default_branch: 'main' }
      return { status: 200, body }
    }
    const isStatus = scope === 'projects' && what === 'statuses' && rest.length === 0
    if (!request.path.startsWith('/api/v4/') || !isStatus || request.method !== 'POST') {
      return refuse(404, '404 Not Found')
    }
    if (!isAllowed(request)) return refuse(401, '401 Unauthorized')
    const project = projects.find((known) => String(known.id) === id || known.path === id)
    if (!project) return refuse(404, '404 Project Not Found')
    const fault = bodyFault(request.body)
    if (fault) return { status: 400, body: { error: fault } }
    if (!hasCommit(project.path, sha)) return refuse(404, '404 Commit Not Found')
    if (locked) return refuse(409, '409 Pipeline is locked by another request')
    return setStatus(project, sha, request.body as StatusBody)
  })

  return {
    ...server,
    statuses: (path, sha) => records.get(`${path}@${sha}`) ?? [],
    lock: (value) => void (locked = value),
    deletePipelines: () => pipelines.clear(),
  }
}
