import { STATUS_CODES } from 'node:http'
import { PermanentError, RetryLater } from '../errors.ts'
import type { News, Window } from './budget.ts'

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

/** The API answered that it will not. */
export class ForgeRefused extends PermanentError {
  /** Of the answer: 401. */
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
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

/** The window of the rate limit, as GitHub and GitLab tell of it (its end in epoch seconds). */
function windowOf(headers: Headers, now: number): Window | undefined {
  const [limit = NaN, remaining = NaN, end = NaN] = ['limit', 'remaining', 'reset'].map((name) =>
    Number.parseInt(headers.get(`x-ratelimit-${name}`) ?? headers.get(`ratelimit-${name}`) ?? ''),
  )
  const isTold = Number.isFinite(remaining) && Number.isFinite(end)
  if (!isTold) return undefined
  const endsAt = Math.min(end * 1000, now + longestWait)
  return { limit: Number.isFinite(limit) ? limit : remaining, remaining, endsAt }
}

/** How long until a window that is used up ends, in milliseconds. */
function windowEnd(headers: Headers, now: number): number | undefined {
  const window = windowOf(headers, now)
  return window?.remaining === 0 ? window.endsAt - now : undefined
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

/** A gateway's answers, in place of the forge's. */
const away: ReadonlySet<number> = new Set([502, 503, 504])

/** What an answer says about what else may be asked now. */
export function newsOf(answer: ApiAnswer, now: number): News {
  const { status, headers } = answer
  const asksToWait = isRateLimited(answer) || (away.has(status) && headers.has('retry-after'))
  if (asksToWait) return { answer: 'limited', waitMs: waitMs(answer, now) ?? minute }
  if (away.has(status)) return { answer: 'none' }
  return { answer: 'taken', window: windowOf(headers, now) }
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
  return new ForgeRefused(status, `${forge} refused ${what}: ${answered}${advice(status, check)}`)
}
