import { gitlabDelivery } from '../../stand-ins/gitlab/delivery.ts'
import { createGitlabStandIn } from '../../stand-ins/gitlab/stand-in.ts'
import push from '../../fixtures/gitlab/push.json' with { type: 'json' }
import tagPush from '../../fixtures/gitlab/tag-push.json' with { type: 'json' }
import {
  given,
  lastOfEach,
  type ForgeFixtures,
  type PushExample,
  type WebhookFixtures,
} from './fixtures.ts'

const example = (claim: string, payload: typeof push | typeof tagPush): PushExample => ({
  claim,
  payload,
  expected: {
    ref: payload.ref,
    before: payload.before,
    after: payload.after,
    forced: false,
    defaultBranch: 'main',
    repository: { id: '15', path: 'acme/tools/app' },
  },
})

const zero = '0'.repeat(40)

const webhooks = (
  proof: Pick<WebhookFixtures, 'secrets' | 'proofHeader' | 'signsBody'>,
): WebhookFixtures => ({
  ...proof,
  deliver: gitlabDelivery,
  eventHeader: 'x-gitlab-event',
  idHeader: 'idempotency-key',
  needsId: false,
  examples: [
    example('a branch of a project in a subgroup', push),
    example('a new branch', { ...push, before: zero }),
    example('a deleted branch', { ...push, after: zero }),
    example('a new tag', tagPush),
    example('a deleted tag', { ...tagPush, before: tagPush.after, after: zero }),
  ],
  payload: ({ id, path, defaultBranch, ...fields }) => ({
    ...push,
    ...fields,
    project: {
      ...push.project,
      ...given({ id, path_with_namespace: path, default_branch: defaultBranch }),
    },
  }),
  otherEvent: 'Merge Request Hook',
  payloadHost: 'gitlab.example',
})

const key = (name: string) => `whsec_${Buffer.from(name.padEnd(32, '.')).toString('base64')}`

const statuses: ForgeFixtures['statuses'] = {
  states: {
    queued: 'pending',
    building: 'running',
    success: 'success',
    skipped: 'success',
    failure: 'failed',
    error: 'failed',
    cancelled: 'canceled',
  },
  async startPartner() {
    const project = { id: 15, path: 'acme/tools/app' }
    const standIn = await createGitlabStandIn({ projects: [project], tokens: ['glpat-canary'] })
    return {
      apiUrl: `${standIn.url}/api/v4`,
      login: { token: 'glpat-canary' },
      owner: 'tanuki',
      repository: { ...project, id: '15' },
      sha: 'a'.repeat(40),
      ref: 'refs/heads/main',
      statuses: async (path, sha) =>
        lastOfEach(
          standIn.statuses(path, sha).map(({ name, state, description, targetUrl }) => ({
            context: name,
            state,
            description: description ?? '',
            targetUrl: targetUrl ?? '',
          })),
        ),
      close: () => standIn.close(),
    }
  },
}

export const gitlabTokenFixtures: ForgeFixtures = {
  webhooks: webhooks({
    secrets: ['new secret', 'old secret', 'another secret'],
    proofHeader: 'x-gitlab-token',
    signsBody: false,
  }),
  statuses,
}

export const gitlabSigningFixtures: ForgeFixtures = {
  webhooks: webhooks({
    secrets: [key('new'), key('old'), key('another')],
    proofHeader: 'webhook-signature',
    signsBody: true,
  }),
  statuses,
}
