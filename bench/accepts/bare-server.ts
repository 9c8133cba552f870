import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * The baseline, a process of its own: the least that an honest receiver of GitHub's webhooks does.
 * Verifies the signature over the raw body, parses it, answers 202, and stores nothing.
 */

export interface BareServerCommand {
  readonly secret: string
}

function answer(secret: string, req: IncomingMessage, res: ServerResponse): void {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const body = Buffer.concat(chunks)
    const given = Buffer.from(String(req.headers['x-hub-signature-256']))
    const right = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
    if (given.length !== right.length || !timingSafeEqual(given, right)) {
      res.writeHead(401).end()
      return
    }
    const payload = JSON.parse(body.toString()) as { readonly after: string }
    const text = JSON.stringify({ decision: 'accepted', after: payload.after })
    res.writeHead(202, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    })
    res.end(text)
  })
}

process.once('message', ({ secret }: BareServerCommand) => {
  const server = createServer((req, res) => answer(secret, req, res))
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.once('disconnect', () => {
    server.closeAllConnections()
    server.close()
  })
})
