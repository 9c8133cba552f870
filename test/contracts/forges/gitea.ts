import { giteaDelivery } from '../../stand-ins/gitea/delivery.ts'
import { createGiteaStandIn, type GiteaStatus } from '../../stand-ins/gitea/stand-in.ts'
import pull from '../../fixtures/gitea/pull-request.json' with { type: 'json' }
import push from '../../fixtures/gitea/push.json' with { type: 'json' }
import {
  given,
  lastOfEach,
  type ForgeFixtures,
  type ForgePartner,
  type PullRequestFields,
  type PullRequestFixtures,
  type PushExample,
} from './fixtures.ts'

const example = (claim: string, payload: typeof push): PushExample => ({
  claim,
  payload,
  expected: {
    ref: payload.ref,
    before: payload.before,
    after: payload.after,
    forced: false,
    defaultBranch: 'main',
    repository: { id: '140', path: 'acme/app' },
  },
})

const zero = '0'.repeat(40)

/** How a pull request is when it is opened, as kanihook reads it. */
const opened: PushExample['expected'] = {
  ref: 'refs/pull/12/head',
  before: zero,
  after: pull.pull_request.head.sha,
  forced: false,
  defaultBranch: 'main',
  repository: { id: '140', path: 'acme/app' },
  pullRequest: {
    base: 'main',
    head: 'größe',
    fork: false,
    open: true,
    updatedAt: Date.parse('2026-02-03T21:43:19Z'),
  },
}

const closed = {
  ...opened,
  before: opened.after,
  after: zero,
  pullRequest: { ...opened.pullRequest!, open: false },
}

const ofFork = { ...opened, pullRequest: { ...opened.pullRequest!, fork: true } }

/** As GitHub's, but that a push is called `synchronized`, and does not say what was there before. */
const pullRequests: PullRequestFixtures = {
  event: 'pull_request',
  examples: [
    { claim: 'one that was opened', payload: pull, expected: opened },
    { claim: 'a push to one', payload: { ...pull, action: 'synchronized' }, expected: opened },
    {
      claim: 'one that was opened again',
      payload: { ...pull, action: 'reopened' },
      expected: opened,
    },
    {
      claim: 'one that goes to another branch now',
      payload: { ...pull, action: 'edited', changes: { ref: { from: 'dev' } } },
      expected: opened,
    },
    {
      claim: 'one that was closed or merged',
      payload: {
        ...pull,
        action: 'closed',
        pull_request: { ...pull.pull_request, state: 'closed', merged: true },
      },
      expected: closed,
    },
    {
      claim: 'one of a fork',
      payload: pullPayload({ headRepository: 141 }),
      expected: ofFork,
    },
    {
      claim: 'one of a fork that is gone',
      payload: pullPayload({ headRepository: null }),
      expected: ofFork,
    },
  ],
  ignored: [
    { action: 'label_updated', payload: { ...pull, action: 'label_updated' } },
    {
      action: 'edited',
      payload: { ...pull, action: 'edited', changes: { title: { from: 'Another' } } },
    },
  ],
  payload: pullPayload,
  ref: (number) => `refs/pull/${number}/head`,
}

function pullPayload({
  sha,
  head,
  base,
  headRepository,
  path,
  updatedAt,
  ...fields
}: PullRequestFields): object {
  const { pull_request: said, repository } = pull
  return {
    ...pull,
    ...given({ ...fields }),
    pull_request: {
      ...said,
      ...given({ updated_at: updatedAt }),
      head: {
        ...said.head,
        ...given({ ref: head, sha }),
        ...(headRepository === undefined
          ? {}
          : { repo: headRepository === null ? null : { ...said.head.repo, id: headRepository } }),
      },
      base: { ...said.base, ...given({ ref: base }) },
    },
    repository: { ...repository, ...given({ full_name: path }) },
  }
}

/** Reads statuses back by Gitea's own API: of the stand-in and of a real server alike. */
export const giteaStatuses =
  (apiUrl: string, token: string): ForgePartner['statuses'] =>
  async (path, sha) => {
    const response = await fetch(`${apiUrl}/repos/${path}/statuses/${sha}?limit=50`, {
      headers: { authorization: `token ${token}` },
    })
    const statuses = (await response.json()) as GiteaStatus[]
    return lastOfEach(
      statuses
        .toSorted((a, b) => a.id - b.id)
        .map(({ context, status, description, target_url: targetUrl }) => ({
          context,
          state: status,
          description,
          targetUrl,
        })),
    )
  }

async function startStandIn(): Promise<ForgePartner> {
  const [path, token] = ['acme/app', 'gitea-canary']
  const standIn = await createGiteaStandIn({ repositories: [path], tokens: [token] })
  const apiUrl = `${standIn.url}/api/v1`
  return {
    apiUrl,
    login: { token },
    owner: 'dev',
    repository: { id: '1', path },
    sha: 'a'.repeat(40),
    ref: 'refs/heads/main',
    statuses: giteaStatuses(apiUrl, token),
    close: () => standIn.close(),
  }
}

/** The fixtures of Gitea, for its stand-in or for a real server. */
export const giteaFixtures = (
  startPartner: () => Promise<ForgePartner> = startStandIn,
): ForgeFixtures => ({
  webhooks: {
    secrets: ['new secret', 'old secret', 'another secret'],
    deliver: giteaDelivery,
    proofHeader: 'x-gitea-signature',
    signsBody: true,
    eventHeader: 'x-gitea-event',
    idHeader: 'x-gitea-delivery',
    needsId: true,
    examples: [
      example('a branch', push),
      example('a new branch', { ...push, before: zero }),
      example('a deleted branch', { ...push, after: zero }),
      example('a new tag', { ...push, before: zero, ref: 'refs/tags/v1.0.0' }),
    ],
    payload: ({ id, path, defaultBranch, ...fields }) => ({
      ...push,
      ...fields,
      repository: {
        ...push.repository,
        ...given({ id, full_name: path, default_branch: defaultBranch }),
      },
    }),
    pullRequests,
    otherEvent: 'issues',
    payloadHost: 'gitea.example',
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
    startPartner,
  },
})
