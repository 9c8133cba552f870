import { isUtf8 } from 'node:buffer'
import { rejected } from './rejections.ts'

/** Far more than any forge's payload has (under 10), far less than what strains a parser. */
const maxDepth = 100

const quote = 0x22
const backslash = 0x5c
/** `[` and `{` differ in this bit alone, and so do `]` and `}`. */
const bracketBit = 0x20
const opening = 0x7b
const closing = 0x7d

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
    else if ((byte | bracketBit) === opening) {
      if (++depth > limit) return true
    } else if ((byte | bracketBit) === closing) depth--
  }
  return false
}

/**
 * The JSON object that a verified body holds, with or without a byte order mark. Throws
 * DeliveryRejected (400) for anything else: not UTF-8, not JSON, not an object, or nested without end.
 */
export function readJsonObject(body: Buffer): object {
  if (!isUtf8(body) || isDeeperThan(maxDepth, body)) throw rejected.json()
  let value: unknown
  try {
    value = JSON.parse(textOf(body))
  } catch {
    throw rejected.json()
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw rejected.json()
  return value
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

const textOf = (body: Buffer): string =>
  body.toString('utf8', body.subarray(0, 3).equals(byteOrderMark) ? 3 : 0)
