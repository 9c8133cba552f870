import type { IncomingMessage } from 'node:http'
import { DeliveryRejected } from '../errors.ts'
import type { Slot } from './in-flight.ts'

/** The largest body that GitHub sends (25 MB); the others send less. */
export const maxBodyBytes = 25 * 1024 * 1024

const tooLarge = 'the body is over 25 MB'
export const tooBusy = 'too many requests at once; try again'

/** The sender hung up, or was cut off at the deadline: there is nobody to answer. */
export class SenderGone extends Error {
  override readonly name = 'SenderGone'
}

/**
 * The bytes of a body exactly as they came, since they are what was signed. Throws DeliveryRejected
 * 413 for too many and 429 where the slot has no room. What is left unread, node:http discards.
 */
export async function readBody(req: IncomingMessage, slot: Slot): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > maxBodyBytes) {
    throw new DeliveryRejected(413, tooLarge)
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const refuse = (error: DeliveryRejected) => {
      req.off('data', onData)
      chunks.length = 0
      reject(error)
    }
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBodyBytes) refuse(new DeliveryRejected(413, tooLarge))
      else if (!slot.hold(chunk.length)) refuse(new DeliveryRejected(429, tooBusy))
      else chunks.push(chunk)
    }
    req.on('data', onData)
    req.on('end', () => resolve(Buffer.concat(chunks, length)))
    req.on('error', () => reject(new SenderGone('the sender hung up or was too slow')))
  })
}
