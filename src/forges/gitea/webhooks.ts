import { z } from 'zod'
import { isSigned } from '../constant-time.ts'
import type { ForgeSettings, WebhookReader, WebhookRequest } from '../forge.ts'
import { eventName, header, requiredId } from '../headers.ts'
import { readJsonObject } from '../json-body.ts'
import { pullRequestEvent, readGithubPullRequest } from '../pull-request-payload.ts'
import {
  defaultBranchSchema,
  objectIdSchema,
  pushEvent,
  readPush,
  refSchema,
  repositoryIdSchema,
  repositoryPathSchema,
} from '../push-payload.ts'
import { rejected } from '../rejections.ts'

const schema = z
  .object({
    ref: refSchema,
    before: objectIdSchema,
    after: objectIdSchema,
    repository: z.object({
      id: repositoryIdSchema,
      full_name: repositoryPathSchema,
      default_branch: defaultBranchSchema,
    }),
  })
  .transform(({ repository, ...push }) => ({
    ...push,
    // Gitea does not say; what was rewritten shows when the heads are compared.
    forced: false,
    defaultBranch: repository.default_branch,
    repository: { id: repository.id, path: repository.full_name },
  }))

/**
 * The prefixes of the headers, in which Forgejo's equal Gitea's. Both also send `X-GitHub-*`, which
 * is not looked at: the route says which forge it is.
 */
const prefixes = ['x-gitea', 'x-forgejo'] as const

const present = (headers: WebhookRequest['headers'], name: string) =>
  prefixes.map((prefix) => `${prefix}-${name}`).filter((full) => headers[full] !== undefined)

/** https://docs.gitea.com/usage/webhooks; each signature that is there must be right. */
export function createGiteaWebhooks({
  url,
  webhookSecrets,
}: Pick<ForgeSettings, 'url' | 'webhookSecrets'>): WebhookReader {
  return {
    async read({ headers, body }) {
      const signatures = present(headers, 'signature').map((name) => header(headers, name))
      const right = signatures.map((signature) => isSigned(webhookSecrets, body, signature))
      if (right.length === 0 || right.includes(false)) throw rejected.signature()

      const event = eventName(headers, present(headers, 'event')[0] ?? 'x-gitea-event')
      const forgeId = requiredId(headers, present(headers, 'delivery')[0] ?? 'x-gitea-delivery')
      const payload = readJsonObject(body)
      if (event === 'pull_request') {
        const read = readGithubPullRequest(payload)
        if ('action' in read) return { kind: 'other', event: `${event} (${read.action})` }
        const changed = pullRequestEvent('gitea', url, read.said)
        return { kind: 'push', identity: forgeId, forgeId, event: changed }
      }
      if (event !== 'push') return { kind: 'other', event }
      const push = readPush(schema, payload)
      return { kind: 'push', identity: forgeId, forgeId, event: pushEvent('gitea', url, push) }
    },
  }
}
