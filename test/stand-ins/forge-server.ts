import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A request as a stand-in saw it. `body` is undefined where none was sent. */
export interface SeenRequest {
  readonly method: string
  /** Decoded segments of the path. */
  readonly segments: readonly string[]
  /** The path as it came, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/**
 * An answer to give in place of the right one, or what happens to the connection: `drop`: it is cut; `hang`: nothing
 * comes on it; `unheard`: what is asked for is done, and the connection cut before the answer.
 */
export type Fault = Answer | 'drop' | 'hang' | 'unheard'

export interface ForgeServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Everything that was asked, oldest first. */
  readonly requests: readonly SeenRequest[]
  /** Gives the next requests (one, unless said) this fault. */
  fail(fault: Fault, times?: number): void
  /** Gives every request this fault from now on; undefined: no more, and what hangs is cut. */
  failAll(fault: Fault | undefined): void
  close(): Promise<void>
}

async function read(request: IncomingMessage): Promise<SeenRequest> {
  const { method = '', url = '/', headers } = request
  const { pathname, searchParams: query } = new URL(url, 'http://stand-in')
  const body = headers['content-type']?.startsWith('application/json')
    ? await json(request).catch(() => undefined)
    : undefined
  const segments = pathname.split('/').slice(1).map(decodeURIComponent)
  return { method, segments, path: pathname, query, headers, body }
}

/**
 * An HTTP server on a free port that plays the API of a forge, and says so: each answer has the
 * header `x-stand-in`.
 */
export async function startForgeServer(
  name: string,
  answer: (request: SeenRequest) => Answer,
): Promise<ForgeServer> {
  const requests: SeenRequest[] = []
  const faults: Fault[] = []
  const hanging = new Set<IncomingMessage>()
  let lasting: Fault | undefined
  const server = createServer((incoming, response) => {
    const handle = async () => {
      const request = await read(incoming)
      requests.push(request)
      const fault = faults.shift() ?? lasting
      if (fault === 'hang') {
        hanging.add(incoming)
        return
      }
      const given = fault === undefined || fault === 'unheard' ? answer(request) : fault
      if (fault === 'unheard' || given === 'drop') {
        incoming.socket.destroy()
        return
      }
      response.writeHead(given.status, {
        'content-type': 'application/json; charset=utf-8',
        'x-stand-in': name,
        ...given.headers,
      })
      response.end(given.body === undefined ? '' : JSON.stringify(given.body))
    }
    handle().catch((error: unknown) => {
      response.writeHead(500, { 'x-stand-in': name }).end(`stand-in failed: ${String(error)}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fail: (fault, times = 1) => void faults.push(...Array<Fault>(times).fill(fault)),
    failAll(fault) {
      lasting = fault
      if (fault !== undefined) return
      for (const { socket } of hanging) socket.destroy()
      hanging.clear()
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}
