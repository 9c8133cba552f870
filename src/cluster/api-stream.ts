import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { ApiException, type KubeConfig } from '@kubernetes/client-node'

/** Nothing came for so long that the connection is taken for dead: go on with a new one. */
export class Silence extends Error {
  override readonly name = 'Silence'
}

export interface StreamRequest {
  readonly kubeConfig: KubeConfig
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** How long nothing may come, in milliseconds. */
  readonly idleMs: number
  readonly signal: AbortSignal
}

/**
 * The lines of an answer that goes on (a watch, a log), without their `\n`; last of all what came
 * after the last `\n`, marked as unfinished. Throws ApiException for any status but 200, Silence, the
 * signal's reason, and what the network has to say; each ends the connection.
 */
export async function* streamLines(
  request: StreamRequest,
): AsyncGenerator<{ readonly text: string; readonly finished: boolean }> {
  const response = await open(request)
  response.setEncoding('utf8')
  if (response.statusCode !== 200) throw await refusal(response)
  let rest = ''
  for await (const chunk of response as AsyncIterable<string>) {
    const [first = '', ...more] = chunk.split('\n')
    rest = bounded(rest, first)
    for (const next of more) {
      yield { text: rest, finished: true }
      rest = bounded('', next)
    }
  }
  if (rest !== '') yield { text: rest, finished: false }
}

/** An object of a watch has its place; what a container writes without an end is cut. */
const maxLine = 4 << 20

const bounded = (line: string, more: string): string =>
  line.length >= maxLine ? line : line + more.slice(0, maxLine - line.length)

async function open(request: StreamRequest): Promise<IncomingMessage> {
  const { kubeConfig, path, query, idleMs, signal } = request
  const server = kubeConfig.getCurrentCluster()?.server ?? ''
  const url = new URL(server.replace(/\/$/, '') + path)
  url.search = new URLSearchParams(query).toString()
  const options: https.RequestOptions = {}
  await kubeConfig.applyToHTTPSOptions(options)
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? https.get : http.get
    let answer: IncomingMessage | undefined
    const asked = get(url, { ...options, signal }, (response) => {
      answer = response
      resolve(response)
    })
    // Whoever reads the answer is told why it ended; the request's own error would be a mere reset.
    asked.setTimeout(idleMs, () => {
      const target = answer ?? asked
      target.destroy(new Silence(`nothing came for ${idleMs} ms`))
    })
    // Stays for the life of the connection: an error without a listener would end the process.
    asked.on('error', reject)
  })
}

async function refusal(response: IncomingMessage): Promise<Error> {
  let body = ''
  for await (const chunk of response as AsyncIterable<string>) body += chunk.slice(0, 4096)
  const { statusCode = 0, statusMessage = '' } = response
  return new ApiException(statusCode, statusMessage, body, {})
}
