import { STATUS_CODES } from 'node:http'
import { PermanentError, RetryLater } from '../errors.ts'

/** What a forge's API answered. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  /** Parsed where it is JSON, else the text. */
  readonly body: unknown
}

/** The API gave no answer. */
export class ForgeUnreachable extends RetryLater {
  /** What the request met, in a word: `ECONNREFUSED`. */
  readonly reason: string
  constructor(forge: string, reason: string) {
    super(`${forge} cannot be reached: ${reason}`)
    this.reason = reason
  }
}

/** What was asked for, in words for a person who has to mend it. */
export interface Purpose {
  /** `the status`: goes on from "GitHub refused …". */
  readonly what: string
  /** `does the token see acme/app …?`: what to look at where access is refused. */
  readonly check: string
}

const minute = 60_000
/** No forge's window is longer; a wrong clock or header must not stall a status for days. */
const longestWait = 60 * minute

const worthRetrying: ReadonlySet<number> = new Set([408, 409, 425, 429])

/** The forge's own words: `message`, as GitHub, GitLab and Gitea have it, or GitLab's `error`. */
export function saying(body: unknown): string {
  if (typeof body !== 'object' || body === null) return typeof body === 'string' ? body : ''
  const { message, error } = body as { message?: unknown; error?: unknown }
  const said = message ?? error ?? ''
  return typeof said === 'string' ? said : JSON.stringify(said)
}

const isRateLimited = ({ status, headers, body }: ApiAnswer) =>
  status === 429 ||
  (status === 403 &&
    (headers.has('retry-after') ||
      headers.get('x-ratelimit-remaining') === '0' ||
      /rate limit|abuse/i.test(saying(body))))

/** `Retry-After` as seconds or as a date, in milliseconds from now; undefined where there is none. */
function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : ms
}

/** When the window of the rate limit starts anew, as GitHub and GitLab say it (epoch seconds). */
function windowEnd(headers: Headers, now: number): number | undefined {
  const remaining = headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining')
  const reset = headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset')
  if (remaining !== '0' || !reset || !/^\d+$/.test(reset)) return undefined
  return Number(reset) * 1000 - now
}

/**
 * How long to wait, in milliseconds: what the forge says, else a minute for a rate limit, as
 * https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api asks.
 */
function waitMs(answer: ApiAnswer, now: number): number | undefined {
  const said = retryAfter(answer.headers, now)
  const limited = isRateLimited(answer)
  const wait = said ?? (limited ? (windowEnd(answer.headers, now) ?? minute) : undefined)
  return wait === undefined ? undefined : Math.min(Math.max(wait, 1000), longestWait)
}

const advice = (status: number, check: string): string => {
  if (status === 401) return ': is the token valid, and not expired?'
  if (status === 400 || status === 422) return ''
  if (status < 400) return ': has the repository or the forge moved?'
  return `: ${check}`
}

/** The error that an answer other than 2xx stands for. The message is one line and quotes the forge. */
export function apiError(
  forge: string,
  { what, check }: Purpose,
  answer: ApiAnswer,
  now: number,
): PermanentError | RetryLater {
  const { status } = answer
  const name = STATUS_CODES[status] ?? 'unknown status'
  const said = saying(answer.body)
    .replaceAll(/\s+|\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 200)
  const answered = `${status} ${name}${said === '' || said.endsWith(name) ? '' : ` (${said})`}`
  if (isRateLimited(answer) || worthRetrying.has(status) || status >= 500) {
    const afterMs = waitMs(answer, now)
    return new RetryLater(
      `${forge} could not take ${what} now: ${answered}`,
      afterMs === undefined ? {} : { afterMs },
    )
  }
  return new PermanentError(`${forge} refused ${what}: ${answered}${advice(status, check)}`)
}
