import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface AdminRequest {
  /** The address of the peer, as its socket says it. */
  readonly peer: string | undefined
  readonly headers: IncomingHttpHeaders
}

export interface AccessRefusal {
  readonly status: 401 | 403
  readonly error: string
}

/**
 * Who may use `/api`: with tokens, whoever has one. Without, who is on this machine, and only where
 * nothing hints at somebody else behind it: a proxy, or a web page open in a browser on this machine
 * (which reaches loopback by its own name, by DNS rebinding, or by a plain cross-site form).
 */
export function createAccess(
  tokens: readonly string[],
): (request: AdminRequest) => AccessRefusal | undefined {
  const digests = tokens.map(digest)
  return ({ peer, headers }) => {
    if (digests.length > 0) {
      const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
      if (bearer !== undefined && isOneOf(digests, digest(bearer))) return undefined
      return { status: 401, error: 'this needs Authorization: Bearer with one of ADMIN_TOKENS' }
    }
    if (!isLoopbackAddress(peer)) {
      return { status: 403, error: 'set ADMIN_TOKENS to use the API from another machine' }
    }
    if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) {
      return { status: 403, error: 'set ADMIN_TOKENS to use the API through a proxy' }
    }
    if (!isLoopbackHost(headers.host) || fromAnotherSite(headers)) {
      return {
        status: 403,
        error: 'set ADMIN_TOKENS to use the API by a name other than localhost',
      }
    }
    return undefined
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Looks at every token, so that the time tells neither which nor whether one was right. */
const isOneOf = (digests: readonly Buffer[], given: Buffer): boolean =>
  digests.map((each) => timingSafeEqual(each, given)).includes(true)

const isLoopbackAddress = (peer = ''): boolean =>
  peer === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(peer)

const isLoopbackHost = (host = ''): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host)

/** A browser names the page that asks; other clients send none of the two headers. */
const fromAnotherSite = (headers: IncomingHttpHeaders): boolean =>
  (headers.origin !== undefined && !isLoopbackHost(headers.origin.replace(/^https?:\/\//, ''))) ||
  headers['sec-fetch-site'] === 'cross-site'
