import { connect } from 'node:net'

/** Milliseconds without a byte after which a server is given up. */
const patienceMs = 10_000

const endOfHead = Buffer.from('\r\n\r\n')

export interface ConnectionOptions {
  readonly port: number
  /** The bytes of the next request; undefined: there is none, and the connection is closed. */
  readonly next: () => Buffer | undefined
  /** `ms` from the first byte out to the last byte in. */
  readonly answered: (status: number, ms: number) => void
}

/**
 * One request after the other over one kept-alive connection to a loopback port, by bare sockets: a
 * whole HTTP client would take the CPU that the servers are measured by. Understands answers with a
 * Content-Length, which both servers send. Rejects where the server hangs up or is silent.
 */
export function driveConnection({ port, next, answered }: ConnectionOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let received: Buffer = Buffer.alloc(0)
    let sentAt = 0
    const send = (): void => {
      const request = next()
      if (request === undefined) {
        socket.end()
        resolve()
        return
      }
      sentAt = performance.now()
      socket.write(request)
    }
    socket.on('connect', send)
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const answer = readAnswer(received)
      if (answer === undefined) return
      received = Buffer.alloc(0)
      answered(answer.status, performance.now() - sentAt)
      send()
    })
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('the server is silent')))
    socket.on('error', reject)
    // Nothing happens where all was sent: the promise is resolved by then.
    socket.on('close', () => reject(new Error('the server hung up')))
  })
}

/** The status of an answer that is there as a whole, else undefined. */
function readAnswer(bytes: Buffer): { readonly status: number } | undefined {
  const end = bytes.indexOf(endOfHead)
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  if (bytes.length < end + endOfHead.length + length) return undefined
  return { status: Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3)) }
}
