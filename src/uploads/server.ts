import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHash, timingSafeEqual } from 'node:crypto'
import { answer } from '../http/answer.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'

export interface ArchiveServerOptions {
  /** The token of an archive and where it is; undefined: there is none. */
  readonly find: (
    id: string,
  ) => { readonly token: string; readonly path: string; readonly bytes: number } | undefined
  /** How long a reader may take nothing, in milliseconds. */
  readonly idleMs?: number
}

const route = /^\/uploads\/([0-9a-f]{16})$/

/**
 * The port that the pods of builds fetch their archive from: each by its own token, and nothing else is there. What
 * is not there, and what one has no token for, look the same.
 */
export function createArchiveServer({ find, idleMs = 60_000 }: ArchiveServerOptions): HttpServer {
  return createHttpServer(
    (req: IncomingMessage, res: ServerResponse) => {
      const id = route.exec(req.url ?? '')?.[1]
      const found = id === undefined ? undefined : find(id)
      const given = /^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1]
      if (req.method !== 'GET' || !found || given === undefined || !same(given, found.token)) {
        return answer(res, 404, { error: 'not found' })
      }
      const file = createReadStream(found.path)
      file.once('open', () =>
        res.writeHead(200, {
          'content-type': 'application/gzip',
          'content-length': found.bytes,
          'cache-control': 'no-store',
        }),
      )
      file.once('error', () => {
        answer(res, 404, { error: 'not found' })
        res.destroy()
      })
      res.setTimeout(idleMs, () => res.destroy())
      res.once('close', () => file.destroy())
      file.pipe(res)
    },
    { connections: 256 },
  )
}

const same = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
