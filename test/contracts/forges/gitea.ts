import { giteaDelivery } from '../../stand-ins/gitea/delivery.ts'
import { createGiteaStandIn, type GiteaStatus } from '../../stand-ins/gitea/stand-in.ts'
import push from '../../fixtures/gitea/push.json' with { type: 'json' }
import {
  given,
  lastOfEach,
  type ForgeFixtures,
  type ForgePartner,
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
    repository: { id: '140', path },
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
