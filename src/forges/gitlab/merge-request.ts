import { z } from 'zod'
import {
  actionSchema,
  branchSchema,
  numberSchema,
  readPullRequest,
  timeSchema,
  type PullRequestPayload,
} from '../pull-request-payload.ts'
import {
  defaultBranchSchema,
  objectIdSchema,
  repositoryIdSchema,
  repositoryPathSchema,
} from '../push-payload.ts'

/** The event's name in `X-Gitlab-Event`. */
export const mergeRequestEvent = 'Merge Request Hook'

/** `project` is the one that it is to be merged into. */
const schema = z
  .object({
    object_attributes: z.object({
      iid: numberSchema,
      state: z.string(),
      updated_at: timeSchema,
      source_branch: branchSchema,
      target_branch: branchSchema,
      source_project_id: repositoryIdSchema.nullish(),
      last_commit: z.object({ id: objectIdSchema }),
      oldrev: objectIdSchema.nullish(),
    }),
    project: z.object({
      id: repositoryIdSchema,
      path_with_namespace: repositoryPathSchema,
      default_branch: defaultBranchSchema,
    }),
  })
  .transform(({ object_attributes: said, project }) => ({
    ref: `refs/merge-requests/${said.iid}/head`,
    sha: said.last_commit.id,
    before: said.oldrev ?? undefined,
    base: said.target_branch,
    head: said.source_branch,
    fork: said.source_project_id !== project.id,
    open: said.state === 'opened',
    updatedAt: said.updated_at,
    defaultBranch: project.default_branch,
    repository: { id: project.id, path: project.path_with_namespace },
  }))

const actions = z.object({
  object_attributes: z.object({
    action: actionSchema.default('none'),
    oldrev: z.unknown().optional(),
  }),
  changes: z.object({ target_branch: z.unknown() }).partial().nullish(),
})

const isSaid = (value: unknown): boolean => value !== undefined && value !== null

const ofInterest = new Set(['open', 'reopen', 'close', 'merge'])

/**
 * Reads a merge request's event: the event, or the name of what is of no interest, such as an `update`
 * without a push. Throws DeliveryRejected (400).
 * https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
 */
export function readGitlabMergeRequest(
  payload: object,
): { readonly said: PullRequestPayload } | { readonly action: string } {
  const { object_attributes: said, changes } = readPullRequest(actions, payload)
  const moved = isSaid(said.oldrev) || isSaid(changes?.target_branch)
  if (!ofInterest.has(said.action) && !(said.action === 'update' && moved)) {
    return { action: said.action }
  }
  return { said: readPullRequest(schema, payload) }
}
