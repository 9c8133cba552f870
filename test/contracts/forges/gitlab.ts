import { gitlabDelivery } from '../../stand-ins/gitlab/delivery.ts'
import { createGitlabStandIn } from '../../stand-ins/gitlab/stand-in.ts'
import merge from '../../fixtures/gitlab/merge-request.json' with { type: 'json' }
import push from '../../fixtures/gitlab/push.json' with { type: 'json' }
import tagPush from '../../fixtures/gitlab/tag-push.json' with { type: 'json' }
import {
  given,
  lastOfEach,
  type ForgeFixtures,
  type PullRequestFixtures,
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

/** How a merge request is when it is opened, as kanihook reads it. */
const opened: PushExample['expected'] = {
  ref: 'refs/merge-requests/12/head',
  before: zero,
  after: merge.object_attributes.last_commit.id,
  forced: false,
  defaultBranch: 'main',
  repository: { id: '15', path: 'acme/tools/app' },
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

const changed = (attributes: object, changes: object = {}): object => ({
  ...merge,
  object_attributes: { ...merge.object_attributes, ...attributes },
  changes,
})

const pullRequests: PullRequestFixtures = {
  event: 'Merge Request Hook',
  examples: [
    { claim: 'one that was opened', payload: merge, expected: opened },
    {
      claim: 'one whose time is written in ISO 8601',
      payload: changed({ updated_at: '2026-02-03T21:43:19Z' }),
      expected: opened,
    },
    {
      claim: 'a push to one',
      payload: changed({ action: 'update', oldrev: push.before }),
      expected: { ...opened, before: push.before },
    },
    {
      claim: 'one that goes to another branch now',
      payload: changed({ action: 'update' }, { target_branch: { previous: 'a', current: 'main' } }),
      expected: opened,
    },
    {
      claim: 'one that was opened again',
      payload: changed({ action: 'reopen' }),
      expected: opened,
    },
    {
      claim: 'one that was closed',
      payload: changed({ action: 'close', state: 'closed' }),
      expected: closed,
    },
    {
      claim: 'one that was merged',
      payload: changed({ action: 'merge', state: 'merged' }),
      expected: closed,
    },
    {
      claim: 'one of a fork',
      payload: changed({ source_project_id: 16 }),
      expected: { ...opened, pullRequest: { ...opened.pullRequest!, fork: true } },
    },
    {
      claim: 'one of a fork that is gone',
      payload: changed({ source_project_id: null }),
      expected: { ...opened, pullRequest: { ...opened.pullRequest!, fork: true } },
    },
  ],
  ignored: [
    { action: 'approved', payload: changed({ action: 'approved' }) },
    {
      action: 'update',
      payload: changed({ action: 'update' }, { title: { previous: 'Another' } }),
    },
  ],
  payload: ({ sha, path, number, head, base, headRepository, updatedAt, action }) => ({
    ...merge,
    object_attributes: {
      ...merge.object_attributes,
      ...given({
        action,
        iid: number,
        source_branch: head,
        target_branch: base,
        source_project_id: headRepository,
        updated_at: updatedAt,
      }),
      last_commit: { ...merge.object_attributes.last_commit, ...given({ id: sha }) },
    },
    project: { ...merge.project, ...given({ path_with_namespace: path }) },
  }),
  ref: (number) => `refs/merge-requests/${number}/head`,
}

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
  pullRequests,
  otherEvent: 'Issue Hook',
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
