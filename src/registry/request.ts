import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly url: URL
  readonly authorization?: string | undefined
  /** JSON, unless said. */
  readonly accept?: string | undefined
  /** Sent as a form. */
  readonly form?: URLSearchParams
  readonly verifyTls: boolean
  readonly timeoutMs: number
}

export interface RegistryAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** No answer that matters is longer. */
const longestBody = 1 << 20

/** One request. Redirects are not followed. Throws what the network has to say. */
export async function ask(request: RegistryRequest): Promise<RegistryAnswer> {
  const { method, url, authorization, accept, form, verifyTls, timeoutMs } = request
  const body = form?.toString() ?? ''
  // No keep-alive: a command that is done must end.
  const options: https.RequestOptions = {
    method,
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    rejectUnauthorized: verifyTls,
    headers: {
      'user-agent': 'kanihook',
      accept: accept ?? 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      ...(authorization === undefined ? {} : { authorization }),
    },
  }
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const send = url.protocol === 'https:' ? https.request : http.request
    send(url, options, resolve).once('error', reject).end(body)
  })
  if (Number(response.headers['content-length'] ?? 0) > longestBody) response.destroy()
  const { statusCode: status = 0, headers } = response
  return { status, headers, body: await text(response) }
}
