import { createHmac, randomUUID } from 'node:crypto'
import type { DeliveryOptions, SignedDelivery } from '../signed-delivery.ts'

/** A webhook request as Gitea makes it: with GitHub's headers beside its own. */
export function giteaDelivery(options: DeliveryOptions): SignedDelivery {
  const { secret, body, event = 'push', id = randomUUID() } = options
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Go-http-client/1.1',
      'x-gitea-event': event,
      'x-gitea-event-type': event,
      'x-gitea-delivery': id,
      'x-gitea-signature': signature,
      'x-github-event': event,
      'x-github-delivery': id,
      'x-hub-signature-256': `sha256=${signature}`,
    },
    body,
  }
}
