import { isIP } from 'node:net'
import { failureReason, isCertificateFault } from '../http/failure-reason.ts'
import { fine, failure, warning, type Remark } from '../remark.ts'
import type { Check } from './checks.ts'
import { about } from './finding.ts'

const answerMs = 5_000

/**
 * Whether PUBLIC_URL leads to a kanihook: a GET of a webhook is answered with 405 and `Allow: POST`.
 * `forge`: one that is on, as the routes of the others are 404.
 */
export function publicUrlCheck(publicUrl: string, forge: string): Check {
  return {
    area: 'public-url',
    subject: publicUrl,
    async run() {
      const answer = await probe(`${publicUrl}/webhooks/${forge}`)
      return { findings: about('public-url', publicUrl)(...publicUrlRemarks(publicUrl, answer)) }
    },
  }
}

/** What came back, or why nothing did. */
export type ProbeAnswer =
  | { readonly status: number; readonly allow: string | null; readonly location: string | null }
  | { readonly reason: string }

async function probe(url: string): Promise<ProbeAnswer> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
    await response.body?.cancel()
    const { status, headers } = response
    return { status, allow: headers.get('allow'), location: headers.get('location') }
  } catch (error) {
    return { reason: failureReason(error) }
  }
}

/** What is to be said about a PUBLIC_URL and what answered there. Pure. */
export function publicUrlRemarks(publicUrl: string, answer: ProbeAnswer): Remark[] {
  const { protocol, hostname } = new URL(publicUrl)
  const elsewhere = 'set PUBLIC_URL to where forges and browsers reach PORT'
  const reached = reachability(answer)
  if (isLoopback(hostname)) {
    const only = warning(
      'leads to this machine alone: the links in statuses are of no use, and no forge can post to it',
      elsewhere,
    )
    return 'reason' in answer ? [only] : [only, reached]
  }
  if (protocol === 'http:' && isPublic(hostname)) {
    const plain = warning(
      'is plain HTTP: whoever is in between reads the logs of builds',
      'put TLS in front of PORT, and say https:// in PUBLIC_URL',
    )
    return [plain, reached]
  }
  return [reached]
}

function reachability(answer: ProbeAnswer): Remark {
  if ('reason' in answer) return unreached(answer.reason)
  const { status, allow, location } = answer
  if (status === 405 && allow === 'POST') return fine('leads to kanihook')
  if (status >= 300 && status < 400) {
    return failure(
      `redirects to ${originOf(location)}, and no forge follows that`,
      'set PUBLIC_URL to where it ends',
    )
  }
  if (status >= 502 && status <= 504) {
    return failure(
      `a proxy answers ${status}: it does not reach kanihook`,
      'start kanihook serve, and let the proxy lead to PORT',
    )
  }
  return failure(
    `something else than kanihook answers (HTTP ${status})`,
    'let it lead to PORT, or mend PUBLIC_URL',
  )
}

function unreached(reason: string): Remark {
  if (isCertificateFault(reason)) {
    return warning(
      `its certificate is not trusted here (${reason})`,
      'forges must trust it, or turn verification off in the webhook',
    )
  }
  if (reason === 'ENOTFOUND') {
    return failure('its host is not known to DNS', 'add the record, or mend PUBLIC_URL')
  }
  return warning(
    `cannot be reached from here (${reason})`,
    'start kanihook serve; a cluster may also be unable to reach its own ingress from inside: try curl -i from elsewhere, 405 is right',
  )
}

/** What a header says is shown without its path and query. */
const originOf = (location: string | null): string =>
  URL.parse(location ?? '')?.origin ?? 'another path'

/** Whether only this machine can reach it; the default is so. */
export const isLoopbackUrl = (url: string): boolean => isLoopback(new URL(url).hostname)

const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0)$/.test(host)

/** Private addresses (RFC 1918 and the like), single labels and names for private use are not. */
function isPublic(host: string): boolean {
  if (isIP(host) === 4) {
    return !/^(10|127|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
      host,
    )
  }
  if (host.startsWith('[')) return !/^\[(fc|fd|fe80|::1)/.test(host)
  return host.includes('.') && !/\.(local|internal|lan|home|test|svc|localhost)$/.test(host)
}
