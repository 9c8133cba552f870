import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { githubPushes } from '../contracts/forges/github.ts'
import { githubDelivery } from '../stand-ins/github/delivery.ts'
import { createGithubStandIn, type GithubStandIn } from '../stand-ins/github/stand-in.ts'
import { gitlabDelivery } from '../stand-ins/gitlab/delivery.ts'
import { createGitlabStandIn, type GitlabStandIn } from '../stand-ins/gitlab/stand-in.ts'
import type { SignedDelivery } from '../stand-ins/signed-delivery.ts'
import { eventually } from '../support/eventually.ts'
import type { TestRepository } from './support/repository.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'

/**
 * GitHub and GitLab cannot run here: stand-ins take their statuses, held against GitHub's official
 * description and GitLab's documented rules. What is cloned, built and pushed is real; the real Gitea
 * serves the git of all three.
 */

const githubToken = randomBytes(20).toString('hex')
/** The stand-ins look at these at each request, so repositories can be made later. */
const known: { id: number; path: string }[] = []
let github: GithubStandIn
let gitlab: GitlabStandIn
let world: World
/** Another kanihook, whose GitHub token may write statuses and may not read the repository. */
let locked: World

before(async () => {
  const { gitea } = await runningCluster()
  github = await createGithubStandIn({ repositories: known, tokens: [gitea.token, githubToken] })
  gitlab = await createGitlabStandIn({ projects: known, tokens: [gitea.token] })
  const start = (token: string): Promise<World> =>
    createWorld({
      repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/*"
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"] }]
`,
      settings: ({ webhookSecret }) => ({
        GITHUB_WEBHOOK_SECRETS: webhookSecret,
        GITHUB_URL: gitea.url,
        GITHUB_API_URL: github.url,
        GITHUB_TOKEN: token,
        GITLAB_WEBHOOK_SECRETS: webhookSecret,
        GITLAB_URL: gitea.url,
        GITLAB_API_URL: `${gitlab.url}/api/v4`,
        GITLAB_TOKEN: gitea.token,
      }),
    })
  world = await start(gitea.token)
  locked = await start(githubToken)
})
after(async () => {
  await world?.close()
  await locked?.close()
  await Promise.all([github?.close(), gitlab?.close()])
})

interface Pushed {
  readonly repository: TestRepository
  readonly sha: string
}

/** A commit that its git server has and that no forge has told of yet. */
async function commit(name: string, content: string, run = 'true'): Promise<Pushed> {
  const repository = await world.repository(name, { hook: false })
  known.push({ id: repository.id, path: repository.path })
  const dockerfile = `FROM ${world.cluster.baseImage}\nCOPY content.txt /\nRUN ${run}\n`
  const sha = await repository.commit({ Dockerfile: dockerfile, 'content.txt': content })
  await repository.push('main')
  return { repository, sha }
}

const post = (to: World, forge: string, { headers, body }: SignedDelivery): Promise<Response> =>
  fetch(`${to.kanihook.url}/webhooks/${forge}`, {
    method: 'POST',
    headers,
    body: new Uint8Array(body),
  })

/** GitHub's own example of a push, of this repository and commit. */
function githubPush({ repository, sha }: Pushed, secret: string): SignedDelivery {
  const [example] = githubPushes
  const payload = {
    ...example,
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: sha,
    repository: {
      ...example?.repository,
      id: repository.id,
      full_name: repository.path,
      default_branch: 'main',
    },
  }
  return githubDelivery({ secret, body: Buffer.from(JSON.stringify(payload)) })
}

const githubEnd = ({
  repository,
  sha,
}: Pushed): Promise<{ state: string; description: string | null }> =>
  eventually(
    () => {
      const last = github.statuses(repository.path, sha).at(-1)
      return last && last.state !== 'pending' && last
    },
    { within: 60_000, every: 100 },
  )

test('a signed push of GitHub is built, and GitHub is told as its official description says', async () => {
  const pushed = await commit('github', 'by GitHub')
  const answer = await post(world, 'github', githubPush(pushed, world.webhookSecret))
  assert.equal(answer.status, 202)
  const end = await githubEnd(pushed)
  assert.equal(end.state, 'success')
  const states = github.statuses(pushed.repository.path, pushed.sha).map(({ state }) => state)
  assert.deepEqual(states, ['pending', 'pending', 'success'])
  assert.deepEqual(github.violations, [])
  const reference = `${world.cluster.registry.host}/${pushed.repository.path}:main`
  assert.equal(await world.image.file(reference, 'content.txt'), 'by GitHub')
})

test('a push hook of GitLab is built, though GitLab locks its pipeline and refuses a repeated state', async () => {
  const { repository, sha } = await commit('gitlab', 'by GitLab')
  gitlab.lock(true)
  const body = Buffer.from(
    JSON.stringify({
      object_kind: 'push',
      before: '0'.repeat(40),
      after: sha,
      ref: 'refs/heads/main',
      checkout_sha: sha,
      project_id: repository.id,
      project: { id: repository.id, path_with_namespace: repository.path, default_branch: 'main' },
      commits: [],
      total_commits_count: 1,
    }),
  )
  const delivery = gitlabDelivery({ secret: world.webhookSecret, body, event: 'Push Hook' })
  assert.equal((await post(world, 'gitlab', delivery)).status, 202)
  await eventually(() => gitlab.requests.length > 0)
  gitlab.lock(false)
  const last = await eventually(
    () => {
      const status = gitlab.statuses(repository.path, sha).at(-1)
      return status && !['pending', 'running'].includes(status.state) && status
    },
    { within: 60_000, every: 100 },
  )
  assert.equal(last.state, 'success')
  assert.match(last.description ?? '', /^Pushed .*@?.*sha256:/)
  const pipelines = new Set(gitlab.statuses(repository.path, sha).map(({ pipeline }) => pipeline))
  assert.equal(pipelines.size, 1, 'every status is in one pipeline')
})

test('a git credential that is refused is a status that names the cause', async () => {
  const pushed = await commit('refused', 'x')
  const answer = await post(locked, 'github', githubPush(pushed, locked.webhookSecret))
  assert.equal(answer.status, 202)
  const end = await githubEnd(pushed)
  assert.equal(end.state, 'error')
  assert.match(end.description ?? '', /^Git refused access to .*: check the forge token/)
})
