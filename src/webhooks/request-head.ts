import type { IncomingMessage } from 'node:http'
import { DeliveryRejected } from '../errors.ts'

const json = /^application\/json\s*(;|$)/i

/**
 * Refuses what can be refused before a byte of the body is read. Throws DeliveryRejected 405 for a
 * method other than POST and 415 for a body that is not plain JSON by its headers.
 */
export function checkMethod(req: Pick<IncomingMessage, 'method'>): void {
  if (req.method !== 'POST') throw new DeliveryRejected(405, 'webhooks are sent by POST')
}

export function checkContent({ headers }: Pick<IncomingMessage, 'headers'>): void {
  if (!json.test(headers['content-type'] ?? '')) {
    throw new DeliveryRejected(415, "set the webhook's content type to application/json")
  }
  // A compressed body may be small on the wire and huge in memory; no forge sends one.
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity'
  if (encoding !== 'identity') {
    throw new DeliveryRejected(415, 'a compressed body is not taken; send it as it is')
  }
}
