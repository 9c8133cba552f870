import type { Gitea } from './gitea.ts'

export interface GiteaRepository {
  readonly id: number
  /** `owner/name` */
  readonly fullName: string
  /** Ends in `.git` and holds no credential. */
  readonly cloneUrl: string
}

export interface GiteaStatus {
  readonly context: string
  readonly status: 'pending' | 'success' | 'error' | 'failure' | 'warning' | 'skipped'
  readonly description: string
  readonly targetUrl: string
}

/** What a test asks of Gitea as its user; pushes go by plain git. */
export function createGiteaClient(gitea: Gitea) {
  async function call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${gitea.url}/api/v1${path}`, {
      method,
      headers: { authorization: `token ${gitea.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }

  /** An empty repository of the user; its default branch is `main`. */
  async function createRepository(
    name: string,
    options: { readonly private?: boolean } = {},
  ): Promise<GiteaRepository> {
    const body = { name, private: options.private ?? true, default_branch: 'main' }
    const made = (await call('POST', '/user/repos', body)) as {
      id: number
      full_name: string
      clone_url: string
    }
    return { id: made.id, fullName: made.full_name, cloneUrl: made.clone_url }
  }

  /** Sends pushes (of branches and tags) and pull requests to the URL, signed with the secret. */
  async function addWebhook(fullName: string, url: string, secret: string): Promise<void> {
    await call('POST', `/repos/${fullName}/hooks`, {
      type: 'gitea',
      active: true,
      events: ['push', 'create', 'delete', 'pull_request', 'pull_request_sync'],
      config: { url, secret, content_type: 'json' },
    })
  }

  /** Lets whoever has the private key read the repository by SSH. */
  async function addDeployKey(fullName: string, publicKey: string): Promise<void> {
    const body = { title: publicKey.slice(-20), key: publicKey, read_only: true }
    await call('POST', `/repos/${fullName}/keys`, body)
  }

  /** The latest status of each context on the commit. */
  async function statuses(fullName: string, sha: string): Promise<GiteaStatus[]> {
    const combined = (await call('GET', `/repos/${fullName}/commits/${sha}/status`)) as {
      statuses: (Omit<GiteaStatus, 'targetUrl'> & { target_url: string })[] | null
    }
    return (combined.statuses ?? []).map(({ context, status, description, target_url }) => ({
      context,
      status,
      description,
      targetUrl: target_url,
    }))
  }

  /** The repository's clone URL with the user's token in it, for git commands of a test. */
  function authenticatedUrl(repository: GiteaRepository): string {
    const url = new URL(repository.cloneUrl)
    url.username = gitea.username
    url.password = gitea.token
    return url.href
  }

  return { createRepository, addWebhook, addDeployKey, statuses, authenticatedUrl }
}
