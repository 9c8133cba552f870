import { PermanentError, type RetryLater } from '../errors.ts'
import { failureReason } from '../http/failure-reason.ts'
import { apiError, ForgeUnreachable, newsOf, type ApiAnswer, type Purpose } from './api-errors.ts'
import type { Need, News, Pace, Wish } from './budget.ts'

export interface ApiRequest extends Purpose {
  readonly method: 'GET' | 'POST'
  /** Segments after the base; each is encoded, so that none can reach another path. */
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: object
  readonly login: ApiLogin
  /** A question, unless said. */
  readonly need?: Need
}

export interface ApiLogin {
  /** The header that carries the secret, and the secret, after its scheme if it has one. */
  readonly header: string
  readonly scheme?: string
  readonly token: string
  /** What the forge counts its requests under, where it counts more than one thing of a credential. */
  readonly account?: string
}

/** What is known of a credential by all who use it. */
export interface Budget {
  /** Counts a request that is about to be sent; throws RetryLater where it has to wait. */
  admit(account: string, wish: Wish): Promise<void>
  /** Hears what came of it. */
  learn(account: string, news: News): Promise<void>
}

/** A forge's REST API. Requests go to the base URL it was made with and nowhere else. */
export interface Api {
  /**
   * Asks, and resolves with whatever the API answered. Throws ForgeUnreachable where it did not within
   * 10 seconds, RetryLater where the budget has no room for it now, PermanentError where the request cannot be sent
   * at all.
   */
  send(request: ApiRequest): Promise<ApiAnswer>
  /** The error for an answer that is not wanted. No token is in its message. */
  error(request: ApiRequest, answer: ApiAnswer): PermanentError | RetryLater
  /** Asks for an answer of 2xx and resolves with its body; throws `error` for any other. */
  call(request: ApiRequest): Promise<unknown>
}

export interface ApiOptions {
  /** As people call it: `GitHub`. */
  readonly forge: string
  /** No trailing slash. */
  readonly baseUrl: string
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** Undefined: requests go out as they come. */
  readonly budget?: Budget | undefined
  readonly pace?: Pace
}

export const isSuccess = ({ status }: ApiAnswer): boolean => status >= 200 && status < 300

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Makes the one way in which kanihook speaks to a forge's API. Redirects are never followed. */
export function createApi(options: ApiOptions): Api {
  const { forge, baseUrl, headers = {}, timeoutMs = 10_000, budget, pace } = options
  const urlOf = (path: readonly string[], query: ApiRequest['query'] = {}) => {
    if (path.some((segment) => /^\.{0,2}$/.test(segment))) {
      throw new PermanentError(`${forge}: a path with an empty or dotted part is not asked for`)
    }
    const asked = new URLSearchParams(query).toString()
    return `${[baseUrl, ...path.map(encodeURIComponent)].join('/')}${asked && `?${asked}`}`
  }

  /** What is not kept now is learned from the next answer. */
  const learn = async (account: string, news: News): Promise<void> =>
    budget?.learn(account, news).catch(() => undefined)

  const send = async (request: ApiRequest): Promise<ApiAnswer> => {
    const { method, path, query, body, login, need = 'question' } = request
    const { account = '' } = login
    const url = urlOf(path, query)
    if (!/^[\x21-\x7e]+$/.test(login.token)) {
      throw new PermanentError(`${forge}: the token is empty or holds a space or a line break`)
    }
    await budget?.admit(account, { need, creates: method === 'POST', pace })
    try {
      const response = await fetch(url, {
        method,
        // `error` would not be told from a lost connection, and be tried again for ever.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          accept: 'application/json',
          'user-agent': 'kanihook',
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          [login.header]: `${login.scheme ? `${login.scheme} ` : ''}${login.token}`,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      // A forge or a proxy that quotes the request must not bring the token into a message.
      const safe = response.ok ? text : text.replaceAll(login.token, '***')
      const answer = { status: response.status, headers: response.headers, body: parse(safe) }
      await learn(account, newsOf(answer, Date.now()))
      return answer
    } catch (error) {
      await learn(account, { answer: 'none' })
      throw new ForgeUnreachable(forge, failureReason(error))
    }
  }

  const toError = (request: ApiRequest, answer: ApiAnswer) =>
    apiError(forge, request, answer, Date.now())

  return {
    send,
    error: toError,
    async call(request) {
      const answer = await send(request)
      if (!isSuccess(answer)) throw toError(request, answer)
      return answer.body
    },
  }
}
