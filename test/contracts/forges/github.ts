import { createRequire } from 'node:module'
import { isZero } from '../../../src/builds/push-event.ts'
import { githubDelivery } from '../../stand-ins/github/delivery.ts'
import { createGithubStandIn } from '../../stand-ins/github/stand-in.ts'
import {
  given,
  lastOfEach,
  type ForgeFixtures,
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
