import { createReadStream } from 'node:fs'
import http from 'node:http'
import https from 'node:https'

export interface SendFileOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly file: string
  readonly bytes: number
  readonly signal: AbortSignal
  /** Told how many bytes were given to the connection. */
  readonly sent: (bytes: number) => void
}

/** How long a connection may say and take nothing, in milliseconds. */
const idleMs = 120_000

/** Posts a file. An answer that comes before its end is one. Rejects as the connection fails or the signal aborts. */
export function sendFile(
  url: string,
  { headers, file, bytes, signal, sent }: SendFileOptions,
): Promise<{ status: number; text: string }> {
  const { request } = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const body = createReadStream(file)
    const post = request(url, {
      method: 'POST',
      signal,
      timeout: idleMs,
      headers: { ...headers, 'content-length': bytes },
    })
    const fail = (error: Error): void => {
      body.destroy()
      post.destroy()
      reject(error)
    }
    let count = 0
    body.on('data', (chunk) => sent((count += chunk.length)))
    body.once('error', fail)
    post.once('error', fail)
    post.once('timeout', () => fail(Object.assign(new Error('idle'), { code: 'ETIMEDOUT' })))
    post.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', fail)
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
        body.destroy()
        post.destroy()
      })
    })
    body.pipe(post)
  })
}
