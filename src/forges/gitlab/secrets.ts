import { createHmac } from 'node:crypto'
import { ConfigError } from '../../errors.ts'
import { isEqual, someSecret } from '../constant-time.ts'
import type { WebhookRequest } from '../forge.ts'
import { header } from '../headers.ts'

/** Standard Webhooks: how far a signature's time may be off before it counts as a replay. */
const toleranceMs = 5 * 60_000

const keyPrefix = 'whsec_'
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The bytes of a signing key `whsec_<base64>`. */
function signingKey(secret: string): Buffer {
  const encoded = secret.slice(keyPrefix.length)
  if (encoded === '' || !base64.test(encoded)) {
    throw new ConfigError([
      'a secret of GitLab that starts with whsec_ is a signing key and must go on with base64 (mend it in GITLAB_WEBHOOK_SECRETS, or where an entry has its own)',
    ])
  }
  return Buffer.from(encoded, 'base64')
}

/** `v1,<base64>`, several divided by spaces; other versions are passed over. */
const signatureList = /^v\w+,[A-Za-z0-9+/=]+(?: v\w+,[A-Za-z0-9+/=]+)*$/

/** https://www.standardwebhooks.com: HMAC-SHA256 over `id.timestamp.body`. */
function hasSignature(keys: readonly Buffer[], { headers, body, receivedAt }: WebhookRequest) {
  const id = header(headers, 'webhook-id')
  const timestamp = header(headers, 'webhook-timestamp')
  const signatures = header(headers, 'webhook-signature')
  if (id === '' || !/^\d{1,12}$/.test(timestamp) || !signatureList.test(signatures)) return false
  if (Math.abs(receivedAt - Number(timestamp) * 1000) > toleranceMs) return false

  const sent = signatures.split(' ').filter((signature) => signature.startsWith('v1,'))
  const right = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body)
    return `v1,${hmac.digest('base64')}`
  })
  return right.flatMap((ours) => sent.map((theirs) => isEqual(ours, theirs))).includes(true)
}

/**
 * Tells whether a request is GitLab's: it carries one of the plain secrets as `X-Gitlab-Token`, or a
 * signature by one of the signing keys (`whsec_…`). Throws ConfigError for a key that is none.
 */
export function createGitlabVerifier(
  secrets: readonly string[],
): (request: WebhookRequest) => boolean {
  const keys = secrets.filter((secret) => secret.startsWith(keyPrefix)).map(signingKey)
  const tokens = secrets.filter((secret) => !secret.startsWith(keyPrefix))
  return (request) => {
    const token = header(request.headers, 'x-gitlab-token')
    const hasToken = someSecret(tokens, (secret) => isEqual(secret, token))
    return hasSignature(keys, request) || hasToken
  }
}
