import { rejected } from './rejections.ts'

/** Far more than any forge's payload has (under 10), far less than what strains a parser. */
const maxDepth = 100

const quote = 0x22
const backslash = 0x5c
const opening = new Set([0x5b, 0x7b])
const closing = new Set([0x5d, 0x7d])

/** Whether arrays and objects are nested deeper than that; looks at bytes, so it needs no stack. */
function isDeeperThan(limit: number, json: Buffer): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]!
    if (inString) {
      if (byte === backslash) index++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (opening.has(byte)) {
      if (++depth > limit) return true
    } else if (closing.has(byte)) depth--
  }
  return false
}

/**
 * The JSON object that a verified body holds, with or without a byte order mark. Throws
 * DeliveryRejected (400) for anything else: not UTF-8, not JSON, not an object, or nested without end.
 */
export function readJsonObject(body: Buffer): object {
  if (isDeeperThan(maxDepth, body)) throw rejected.json()
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw rejected.json()
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw rejected.json()
  return value
}
