import { createRequire } from 'node:module'
import { isZero } from '../../../src/builds/push-event.ts'
import { githubDelivery } from '../../stand-ins/github/delivery.ts'
import { createGithubStandIn } from '../../stand-ins/github/stand-in.ts'
import {
  given,
  lastOfEach,
  type ForgeFixtures,
  type PullRequestFields,
  type PullRequestFixtures,
  type PushExample,
  type PushFields,
} from './fixtures.ts'

/** The parts of GitHub's real payloads that the fixtures look at. */
interface GithubPush {
  readonly ref: string
  readonly before: string
  readonly after: string
  readonly forced: boolean
  readonly repository: { readonly id: number; readonly full_name: string }
}

/** Payloads that GitHub sent, by event; the package is one JSON file. */
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly {
  readonly name: string
  readonly examples: readonly object[]
}[]

const examplesOf = (event: string) => examples.find(({ name }) => name === event)?.examples ?? []

export const githubPushes = examplesOf('push') as readonly GithubPush[]

export const githubPing = examplesOf('ping')[0] as object

const example = (claim: string, payload: GithubPush): PushExample => ({
  claim,
  payload,
  expected: {
    ref: payload.ref,
    before: payload.before,
    after: payload.after,
    forced: payload.forced,
    defaultBranch: 'master',
    repository: { id: '186853002', path: 'Codertocat/Hello-World' },
  },
})

const first = (fits: (push: GithubPush) => boolean) => githubPushes.find(fits)!
const isBranch = ({ ref }: GithubPush) => ref.startsWith('refs/heads/')

/** The parts of GitHub's events of pull requests that the fixtures look at. */
interface GithubPullRequest {
  readonly action: string
  readonly number: number
  readonly before?: string
  readonly pull_request: {
    readonly updated_at: string
    readonly head: { readonly sha: string; readonly repo: { readonly id: number } }
    readonly base: { readonly ref: string }
  }
  readonly repository: { readonly full_name: string }
}

const pullRequestOf = (action: string): GithubPullRequest =>
  (examplesOf('pull_request') as readonly GithubPullRequest[]).find(
    (example) => example.action === action,
  )!

const openedPull = pullRequestOf('opened')

/** How GitHub's example is read. */
const readPull = (
  { number, pull_request: { head, updated_at: updatedAt } }: GithubPullRequest,
  change: { open?: boolean; before?: string; fork?: boolean } = {},
): PushExample['expected'] => {
  const { open = true, before = '0'.repeat(40), fork = false } = change
  return {
    ref: `refs/pull/${number}/head`,
    before: open ? before : head.sha,
    after: open ? head.sha : '0'.repeat(40),
    forced: false,
    defaultBranch: 'master',
    repository: { id: '186853002', path: 'Codertocat/Hello-World' },
    pullRequest: {
      base: 'master',
      head: 'changes',
      fork,
      open,
      updatedAt: Date.parse(updatedAt),
    },
  }
}

const pullExample = (
  claim: string,
  payload: GithubPullRequest,
  change?: Parameters<typeof readPull>[1],
): PushExample => ({ claim, payload, expected: readPull(payload, change) })

const pullPayload = ({
  sha,
  head,
  base,
  headRepository,
  path,
  updatedAt,
  ...fields
}: PullRequestFields): GithubPullRequest => ({
  ...openedPull,
  ...given({ ...fields }),
  pull_request: {
    ...openedPull.pull_request,
    ...given({ updated_at: updatedAt }),
    head: {
      ...openedPull.pull_request.head,
      ...given({ ref: head, sha, repo: headRepository === null ? null : undefined }),
      ...(headRepository === undefined || headRepository === null
        ? {}
        : { repo: { ...openedPull.pull_request.head.repo, id: headRepository as number } }),
    },
    base: { ...openedPull.pull_request.base, ...given({ ref: base }) },
  },
  repository: { ...openedPull.repository, ...given({ full_name: path }) },
})

const synchronized = pullRequestOf('synchronize')

const pullRequests: PullRequestFixtures = {
  event: 'pull_request',
  examples: [
    pullExample('one that was opened', openedPull),
    pullExample('a push to one', synchronized, { before: synchronized.before! }),
    pullExample('one that was opened again', pullRequestOf('reopened')),
    pullExample('one that was closed or merged', pullRequestOf('closed'), { open: false }),
    {
      claim: 'one that goes to another branch now',
      payload: { ...openedPull, action: 'edited', changes: { base: { ref: { from: 'dev' } } } },
      expected: readPull(openedPull),
    },
    pullExample('one of a fork', pullPayload({ headRepository: 1 }), { fork: true }),
    pullExample('one of a fork that is gone', pullPayload({ headRepository: null }), {
      fork: true,
    }),
  ],
  ignored: [
    { action: 'labeled', payload: pullRequestOf('labeled') },
    { action: 'ready_for_review', payload: pullRequestOf('ready_for_review') },
    {
      action: 'edited',
      payload: { ...openedPull, action: 'edited', changes: { title: { from: 'Another' } } },
    },
  ],
  payload: pullPayload,
  ref: (number) => `refs/pull/${number}/head`,
}

const createdBranch = first((push) => isBranch(push) && isZero(push.before))
const branch: GithubPush = { ...createdBranch, before: '9'.repeat(40) }

export const githubFixtures: ForgeFixtures = {
  webhooks: {
    secrets: ['new secret', 'old secret', 'another secret'],
    deliver: githubDelivery,
    proofHeader: 'x-hub-signature-256',
    signsBody: true,
    eventHeader: 'x-github-event',
    idHeader: 'x-github-delivery',
    needsId: true,
    examples: [
      example('a branch', branch),
      example('a new branch', createdBranch),
      example('a deleted branch', { ...branch, after: '0'.repeat(40) }),
      example('a forced branch', { ...branch, forced: true }),
      example(
        'a new tag',
        first((push) => !isBranch(push) && isZero(push.before)),
      ),
      example(
        'a deleted tag',
        first((push) => !isBranch(push) && isZero(push.after)),
      ),
    ],
    payload: ({ id, path, defaultBranch, ...fields }: PushFields) => ({
      ...branch,
      ...fields,
      repository: {
        ...branch.repository,
        ...given({ id, full_name: path, default_branch: defaultBranch }),
      },
    }),
    pullRequests,
    otherEvent: 'issues',
    payloadHost: 'github.com',
  },
  statuses: {
    states: {
      queued: 'pending',
      building: 'pending',
      success: 'success',
      skipped: 'success',
      failure: 'failure',
      error: 'error',
      cancelled: 'error',
    },
    async startPartner() {
      const repository = { id: 7, path: 'acme/app' }
      const standIn = await createGithubStandIn({
        repositories: [repository],
        tokens: ['ghp_canary'],
      })
      return {
        apiUrl: standIn.url,
        login: { token: 'ghp_canary' },
        owner: 'octocat',
        repository: { ...repository, id: '7' },
        sha: 'a'.repeat(40),
        ref: 'refs/heads/main',
        statuses: async (path, sha) =>
          lastOfEach(
            standIn.statuses(path, sha).map(({ context, state, description, target_url: url }) => ({
              context,
              state,
              description: description ?? '',
              targetUrl: url ?? '',
            })),
          ),
        async close() {
          await standIn.close()
          if (standIn.violations.length > 0) throw new Error(standIn.violations.join('\n'))
        },
      }
    },
  },
}
