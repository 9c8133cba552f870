import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { PushEvent } from '../../builds/push-event.ts'
import type { ForgeSettings, WebhookMessage, WebhookReader } from '../forge.ts'
import { eventName, optionalId } from '../headers.ts'
import { readJsonObject } from '../json-body.ts'
import {
  defaultBranchSchema,
  objectIdSchema,
  pushEvent,
  readPush,
  refSchema,
  repositoryIdSchema,
  repositoryPathSchema,
} from '../push-payload.ts'
import { pullRequestEvent } from '../pull-request-payload.ts'
import { rejected } from '../rejections.ts'
import { mergeRequestEvent, readGitlabMergeRequest } from './merge-request.ts'
import { createGitlabVerifier } from './secrets.ts'

const pushEvents: ReadonlySet<string> = new Set(['Push Hook', 'Tag Push Hook'])

const schema = z
  .object({
    ref: refSchema,
    before: objectIdSchema,
    after: objectIdSchema,
    project: z.object({
      id: repositoryIdSchema,
      path_with_namespace: repositoryPathSchema,
      default_branch: defaultBranchSchema,
    }),
  })
  .transform(({ project, ...push }) => ({
    ...push,
    // GitLab does not say; what was rewritten shows when the heads are compared.
    forced: false,
    defaultBranch: project.default_branch,
    repository: { id: project.id, path: project.path_with_namespace },
  }))

/**
 * What stays the same when a push is sent again, for a GitLab that gives deliveries no id. A merge
 * request may be closed and opened again at one commit.
 */
const identityOf = ({ repository, ref, before, after, pullRequest }: PushEvent) =>
  createHash('sha256')
    .update(
      JSON.stringify([
        repository.id,
        ref,
        before,
        after,
        ...(pullRequest ? [pullRequest.updatedAt] : []),
      ]),
    )
    .digest('hex')

const message = (forgeId: string | undefined, event: PushEvent): WebhookMessage => ({
  kind: 'push',
  identity: forgeId ?? identityOf(event),
  forgeId,
  event,
})

/**
 * https://docs.gitlab.com/user/project/integrations/webhook_events. `X-Gitlab-Event-UUID` is no
 * identity: events that one hook sets off share it.
 */
export function createGitlabWebhooks({
  url,
  webhookSecrets,
}: Pick<ForgeSettings, 'url' | 'webhookSecrets'>): WebhookReader {
  const isGenuine = createGitlabVerifier(webhookSecrets)
  return {
    async read(request) {
      if (!isGenuine(request)) throw rejected.signature()
      const event = eventName(request.headers, 'x-gitlab-event')
      const forgeId = optionalId(request.headers, 'idempotency-key')
      const payload = readJsonObject(request.body)
      if (event === mergeRequestEvent) {
        const read = readGitlabMergeRequest(payload)
        if ('action' in read) return { kind: 'other', event: `${event} (${read.action})` }
        return message(forgeId, pullRequestEvent('gitlab', url, read.said))
      }
      if (!pushEvents.has(event)) return { kind: 'other', event }
      return message(forgeId, pushEvent('gitlab', url, readPush(schema, payload)))
    },
  }
}
