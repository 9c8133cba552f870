import http from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import net from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../src/builds/push-event.ts'

export const mebibyte = 1024 * 1024

/** What the receiver may send to the queue, and how the queue behaves. */
export function recordingQueue() {
  const queue = {
    accepted: [] as Delivery[],
    remembered: [] as Delivery[],
    behaviour: 'stores' as 'stores' | 'refuses' | 'hangs',
    /** Lets go the accepts that wait while `held` is set. */
    held: undefined as Promise<void> | undefined,
    async accept(delivery: Delivery) {
      await queue.held
      if (queue.behaviour === 'hangs') await sleep(300)
      if (queue.behaviour !== 'stores') throw new Error('connect ECONNREFUSED 10.0.0.1:6379')
      const known = queue.accepted.some(({ id }) => id === delivery.id)
      queue.accepted.push(delivery)
      return known ? ('duplicate' as const) : ('accepted' as const)
    },
    async remember(delivery: Delivery) {
      queue.remembered.push(delivery)
    },
    touched: () => queue.accepted.length + queue.remembered.length,
  }
  return queue
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
}

export interface Sent {
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: Buffer
  /** Without a Content-Length. */
  readonly chunked?: boolean
}

export async function send(port: number, sent: Sent): Promise<Answer> {
  const { path, method = 'POST', headers = {}, body = Buffer.alloc(0), chunked = false } = sent
  return new Promise((resolve, reject) => {
    const length = chunked ? {} : { 'content-length': String(body.length) }
    const all = { ...headers, ...length }
    const request = http.request(
      { host: '127.0.0.1', port, path, method, headers: all, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const status = response.statusCode ?? 0
          resolve({ status, headers: response.headers, body: text ? JSON.parse(text) : {} })
        })
      },
    )
    request.on('error', reject)
    if (chunked) {
      for (let at = 0; at < body.length; at += mebibyte)
        request.write(body.subarray(at, at + mebibyte))
    } else if (body.length > 0) request.write(body)
    request.end()
  })
}

/** Raw bytes over a socket, and all that comes back until it is closed, which must be soon. */
export const exchange = (port: number, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    let received = ''
    socket.on('data', (data) => (received += data.toString()))
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
    socket.setTimeout(10_000, () => socket.destroy(new Error('the server does not hang up')))
  })

/** Takes what is written to it, piece by piece. */
export const textSink = (take: (text: string) => void): Writable =>
  new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      take(String(chunk))
      done()
    },
  })
