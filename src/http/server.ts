import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import net from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** Bounds of one listening port. Times are milliseconds. */
export interface ServerLimits {
  /** For the headers of a request. Node's own minute lets a slow sender hold a socket too long. */
  readonly headersMs: number
  /** For a whole request, body included. */
  readonly requestMs: number
  /** How often the two deadlines are looked at. */
  readonly checkMs: number
  readonly keepAliveMs: number
  /** How long idle connections are left open when the port closes, for requests that are on their way. */
  readonly lingerMs: number
  /** Sockets beyond it are dropped unanswered. */
  readonly connections: number
  readonly headerBytes: number
  readonly headers: number
}

export const defaultLimits: ServerLimits = {
  headersMs: 4_000,
  // GitHub hangs up after 10 s, so a longer wait would help nobody.
  requestMs: 10_000,
  checkMs: 500,
  keepAliveMs: 10_000,
  lingerMs: 1_000,
  connections: 2_048,
  headerBytes: 8 * 1024,
  headers: 100,
}

/** A port that can be opened once and closed in good order. */
export interface HttpServer {
  readonly server: http.Server
  /** Resolves with the port that is listened on (port 0: one that was free). */
  listen(host: string, port: number): Promise<number>
  /**
   * Takes no more connections, and answers what comes on those that there are, each for the last time.
   * What still runs after `graceMs` is cut.
   */
  close(graceMs: number): Promise<void>
}

/** What a client sees that did not even send a request; by the parser's error code. */
const clientErrors: Readonly<Record<string, readonly [string, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the headers are too large'],
}
const notHttp = ['400 Bad Request', 'this is not a valid HTTP request'] as const

/** A node:http server with tight deadlines whose protocol errors are JSON as every other answer. */
export function createHttpServer(
  handler: (req: IncomingMessage, res: ServerResponse) => void,
  overrides: Partial<ServerLimits> = {},
): HttpServer {
  const limits = { ...defaultLimits, ...overrides }
  const server = http.createServer({
    headersTimeout: Math.min(limits.headersMs, limits.requestMs),
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytes,
  })
  server.maxConnections = limits.connections
  server.maxHeadersCount = limits.headers

  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  const lastResponse = new WeakMap<Socket, ServerResponse>()
  server.on('request', (req, res) => {
    lastResponse.set(req.socket, res)
    // So that the client does not send its next request into a connection that is being closed.
    if (!server.listening) res.setHeader('connection', 'close')
    handler(req, res)
  })

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const last = lastResponse.get(socket)
    // Bytes after the start of an answer would be read as a part of it.
    const answering = last?.headersSent === true && !last.writableFinished
    const answered = last?.headersSent === true && !last.req.complete
    if (!socket.writable || error.code === 'ECONNRESET' || answering || answered) {
      socket.destroy()
      return
    }
    const [status, message] = clientErrors[error.code ?? ''] ?? notHttp
    const body = JSON.stringify({ error: message })
    socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    )
    socket.destroySoon()
  })

  return {
    server,
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          resolve((server.address() as AddressInfo).port)
        })
      }),
    close: (graceMs) =>
      new Promise((resolve) => {
        if (!server.listening) return resolve()
        for (const socket of sockets) {
          const last = lastResponse.get(socket)
          if (last?.headersSent === false) last.setHeader('connection', 'close')
        }
        const cut = setTimeout(() => server.closeAllConnections(), graceMs)
        let hangUp: NodeJS.Timeout | undefined
        const linger = setTimeout(
          () => {
            // To node:http a connection that has not asked anything yet is not idle.
            for (const socket of sockets) if (!lastResponse.has(socket)) socket.destroy()
            // Nor does it hang up on one whose last answer goes out after the close.
            hangUp = setInterval(() => server.closeIdleConnections(), 50)
          },
          Math.min(limits.lingerMs, graceMs),
        )
        // Not that of node:http, which hangs up on idle connections at once.
        net.Server.prototype.close.call(server, () => {
          for (const timer of [cut, linger, hangUp]) clearTimeout(timer)
          // Ends the timer of the deadlines.
          server.close()
          resolve()
        })
      }),
  }
}
