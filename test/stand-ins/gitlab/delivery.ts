import { createHmac, randomUUID } from 'node:crypto'
import type { DeliveryOptions, SignedDelivery } from '../signed-delivery.ts'

const isTag = (body: Buffer) => /"ref":\s*"refs\/tags\//.test(body.toString())

function proof({ secret, body, at = Date.now() }: DeliveryOptions, id: string) {
  if (!secret.startsWith('whsec_')) return { 'x-gitlab-token': secret }
  const timestamp = String(Math.floor(at / 1000))
  const signature = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}

/** A webhook request as GitLab makes it, with a secret token or, for `whsec_…`, a signature. */
export function gitlabDelivery(options: DeliveryOptions): SignedDelivery {
  const { body, id = randomUUID() } = options
  const event = options.event ?? (isTag(body) ? 'Tag Push Hook' : 'Push Hook')
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitLab/18.5.0',
      'x-gitlab-event': event,
      'x-gitlab-instance': 'https://gitlab.example',
      'x-gitlab-webhook-uuid': randomUUID(),
      'x-gitlab-event-uuid': randomUUID(),
      'idempotency-key': id,
      ...proof(options, id),
    },
    body,
  }
}
