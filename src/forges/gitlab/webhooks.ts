import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ForgeSettings, WebhookReader } from '../forge.ts'
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
  type Push,
} from '../push-payload.ts'
import { rejected } from '../rejections.ts'
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

/** What stays the same when a push is sent again, for a GitLab that gives deliveries no id. */
const identityOf = ({ repository, ref, before, after }: Push) =>
  createHash('sha256')
    .update(JSON.stringify([repository.id, ref, before, after]))
    .digest('hex')

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
      if (!pushEvents.has(event)) return { kind: 'other', event }
      const push = readPush(schema, payload)
      return {
        kind: 'push',
        identity: forgeId ?? identityOf(push),
        forgeId,
        event: pushEvent('gitlab', url, push),
      }
    },
  }
}
