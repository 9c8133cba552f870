import type { WebhookRequest } from './forge.ts'
import { rejected } from './rejections.ts'

type Headers = WebhookRequest['headers']

/** A header's value; empty where it is absent or came as a list. Names are in lower case. */
export function header(headers: Headers, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}

/** Letters, digits, `_ . : -`: so that a repeated header (`a, a`) does not pass for one value. */
const idPattern = /^[\w.:-]{1,255}$/

/** A delivery's id; undefined where there is none. Throws DeliveryRejected (400) for a malformed one. */
export function optionalId(headers: Headers, name: string): string | undefined {
  if (headers[name] === undefined) return undefined
  const value = header(headers, name)
  if (!idPattern.test(value)) throw rejected.header(name)
  return value
}

/** A delivery's id. Throws DeliveryRejected (400) where it is absent or malformed. */
export function requiredId(headers: Headers, name: string): string {
  const value = optionalId(headers, name)
  if (value === undefined) throw rejected.header(name)
  return value
}

/** An event's name: words of letters, digits, `_` and `-`. Throws DeliveryRejected (400) otherwise. */
export function eventName(headers: Headers, name: string): string {
  const value = header(headers, name)
  if (!/^\w[\w -]{0,99}$/.test(value)) throw rejected.header(name)
  return value
}
