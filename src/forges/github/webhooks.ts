import { Webhooks, type EmitterWebhookEvent } from '@octokit/webhooks'
import { z } from 'zod'
import type { ForgeSettings, WebhookReader } from '../forge.ts'
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

type PushPayload = EmitterWebhookEvent<'push'>['payload']

const schema = z
  .object({
    ref: refSchema,
    before: objectIdSchema,
    after: objectIdSchema,
    forced: z.boolean().default(false),
    repository: z.object({
      id: repositoryIdSchema,
      full_name: repositoryPathSchema,
      default_branch: defaultBranchSchema,
    }),
  } satisfies Partial<Record<keyof PushPayload, z.ZodType>>)
  .transform(({ repository, ...push }) => ({
    ...push,
    defaultBranch: repository.default_branch,
    repository: { id: repository.id, path: repository.full_name },
  }))

const silence = () => undefined
/** Octokit's own logger prints the payloads of requests that were refused. */
const silent = { debug: silence, info: silence, warn: silence, error: silence }

/**
 * Octokit's `verify` knows one secret, hence one verifier for each. It signs text: bytes that are not
 * UTF-8, which GitHub never sends, match no signature.
 */
function createVerifier(secrets: readonly string[]) {
  const verifiers = secrets.map((secret) => new Webhooks({ secret, log: { ...silent } }))
  return async (body: Buffer, signature: string): Promise<boolean> => {
    const text = body.toString('utf8')
    const results = await Promise.all(
      verifiers.map(({ verify }) => verify(text, signature).catch(() => false)),
    )
    return results.includes(true)
  }
}

/** https://docs.github.com/webhooks/webhook-events-and-payloads#push */
export function createGithubWebhooks({
  url,
  webhookSecrets,
}: Pick<ForgeSettings, 'url' | 'webhookSecrets'>): WebhookReader {
  const isSigned = createVerifier(webhookSecrets)
  return {
    async read({ headers, body }) {
      if (!(await isSigned(body, header(headers, 'x-hub-signature-256')))) {
        throw rejected.signature()
      }
      const event = eventName(headers, 'x-github-event')
      const forgeId = requiredId(headers, 'x-github-delivery')
      const payload = readJsonObject(body)
      if (event === 'ping') return { kind: 'ping' }
      if (event === 'pull_request') {
        const read = readGithubPullRequest(payload)
        if ('action' in read) return { kind: 'other', event: `${event} (${read.action})` }
        const changed = pullRequestEvent('github', url, read.said)
        return { kind: 'push', identity: forgeId, forgeId, event: changed }
      }
      if (event !== 'push') return { kind: 'other', event }
      const push = readPush(schema, payload)
      return { kind: 'push', identity: forgeId, forgeId, event: pushEvent('github', url, push) }
    },
  }
}
