import { createHmac, randomUUID } from 'node:crypto'
import type { DeliveryOptions, SignedDelivery } from '../signed-delivery.ts'

/** A webhook request as GitHub makes it. */
export function githubDelivery(options: DeliveryOptions): SignedDelivery {
  const { secret, body, event = 'push', id = randomUUID() } = options
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': event,
      'x-github-delivery': id,
      'x-github-hook-id': '1',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  }
}
