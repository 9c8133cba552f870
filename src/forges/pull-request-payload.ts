import { z } from 'zod'
import type { PullRequest, PushEvent } from '../builds/push-event.ts'
import { isBranchOrTag } from './git-ref.ts'
import {
  defaultBranchSchema,
  objectIdSchema,
  repositoryIdSchema,
  repositoryPathSchema,
} from './push-payload.ts'
import { rejected } from './rejections.ts'

/** The pieces that every forge's event of a pull request is made of, and what GitHub and Gitea share. */

export const branchSchema = z.string().refine((name) => isBranchOrTag(`refs/heads/${name}`))

export const numberSchema = z
  .int()
  .positive()
  .max(2 ** 31)

/** `2026-01-31T12:00:00Z`, or as older GitLabs write it `2026-01-31 12:00:00 UTC`; in milliseconds. */
export const timeSchema = z
  .string()
  .max(40)
  .transform((text) => Date.parse(text))
  .pipe(z.number())

/** The word for what happened, as it is told to those who ask why nothing was built. */
export const actionSchema = z.string().regex(/^[\w-]{1,40}$/)

/** What is left of an event of a pull request when the forge's own names are taken off. */
export interface PullRequestPayload extends PullRequest {
  /** `refs/pull/12/head` */
  readonly ref: string
  /** Its head as the forge says it. */
  readonly sha: string
  /** Its head before a push; undefined where there was no push. */
  readonly before: string | undefined
  readonly defaultBranch: string | undefined
  readonly repository: { readonly id: string; readonly path: string }
}

/**
 * The event as that of a ref: one that appears with the pull request, and is gone when that is closed,
 * whatever its git then says.
 */
export function pullRequestEvent(forge: string, url: string, said: PullRequestPayload): PushEvent {
  const { base, head, fork, open, updatedAt, ref, sha, before, defaultBranch, repository } = said
  const none = '0'.repeat(sha.length)
  return {
    repository: { forge, host: new URL(url).host, ...repository },
    ref,
    before: open ? (before ?? none) : sha,
    after: open ? sha : none,
    forced: false,
    defaultBranch,
    pullRequest: { base, head, fork, open, updatedAt },
  }
}

/** Reads an event's payload. Throws DeliveryRejected (400) where it is not what the schema says. */
export function readPullRequest<T>(schema: z.ZodType<T>, payload: object): T {
  const result = schema.safeParse(payload)
  if (!result.success) throw rejected.pullRequest()
  return result.data
}

const side = z.object({ ref: branchSchema, repo: z.object({ id: repositoryIdSchema }).nullish() })

/** Gitea names no commit before a push; what it says `edited` of may be the branch to merge into. */
const schema = z
  .object({
    number: numberSchema,
    before: objectIdSchema.nullish(),
    pull_request: z.object({
      state: z.string(),
      updated_at: timeSchema,
      head: side.extend({ sha: objectIdSchema }),
      base: side,
    }),
    repository: z.object({
      id: repositoryIdSchema,
      full_name: repositoryPathSchema,
      default_branch: defaultBranchSchema,
    }),
  })
  .transform(({ number, before, pull_request: { state, updated_at, head, base }, repository }) => ({
    ref: `refs/pull/${number}/head`,
    sha: head.sha,
    before: before ?? undefined,
    base: base.ref,
    head: head.ref,
    // The repository of a head may be gone.
    fork: head.repo?.id !== repository.id,
    open: state === 'open',
    updatedAt: updated_at,
    defaultBranch: repository.default_branch,
    repository: { id: repository.id, path: repository.full_name },
  }))

const actions = z.object({
  action: actionSchema,
  changes: z.object({ base: z.unknown(), ref: z.unknown() }).partial().nullish(),
})

const ofInterest = new Set(['opened', 'reopened', 'synchronize', 'synchronized', 'closed'])

/**
 * Reads an event of GitHub's or Gitea's pull requests: the event, or the name of what is of no interest.
 * Throws DeliveryRejected (400).
 */
export function readGithubPullRequest(
  payload: object,
): { readonly said: PullRequestPayload } | { readonly action: string } {
  const { action, changes } = readPullRequest(actions, payload)
  // The branch to merge into: `base` at GitHub, `ref` at Gitea.
  const isRetargeted = action === 'edited' && Boolean(changes?.base ?? changes?.ref)
  if (!ofInterest.has(action) && !isRetargeted) return { action }
  return { said: readPullRequest(schema, payload) }
}
