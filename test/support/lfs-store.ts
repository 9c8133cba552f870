import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'

/**
 * A stand-in for a forge's Git LFS server, as far as a download goes: the batch API and objects over HTTP
 * (https://github.com/git-lfs/git-lfs/tree/main/docs/api).
 */
export interface LfsStore {
  /** Keeps the content, and returns the pointer that git has instead. */
  keep(content: string): string
  /** Whether a request's path is one of Git LFS. */
  isAsked(path: string): boolean
  /** `objectsAt`: the origin that objects are said to be at. */
  answer(request: IncomingMessage, response: ServerResponse, objectsAt: string): Promise<void>
  /** What every batch is refused with from now on; undefined: nothing. */
  refusal: { readonly status: number; readonly message: string } | undefined
}

/** The pointer of a content that no server need have. */
export function lfsPointer(content: string): string {
  const oid = createHash('sha256').update(content).digest('hex')
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${Buffer.byteLength(content)}\n`
}

export function createLfsStore(): LfsStore {
  const objects = new Map<string, string>()
  const mediaType = { 'content-type': 'application/vnd.git-lfs+json' }
  const store: LfsStore = {
    refusal: undefined,
    keep(content) {
      const pointer = lfsPointer(content)
      objects.set(/sha256:(\w+)/.exec(pointer)?.[1] ?? '', content)
      return pointer
    },
    isAsked: (path) => /\/info\/lfs\/objects\//.test(path),
    async answer(request, response, objectsAt) {
      const oid = /\/objects\/([0-9a-f]{64})$/.exec(request.url ?? '')?.[1]
      if (oid !== undefined) {
        const content = objects.get(oid)
        response.writeHead(content === undefined ? 404 : 200).end(content)
        return
      }
      if (store.refusal) {
        const { status, message } = store.refusal
        response.writeHead(status, mediaType).end(JSON.stringify({ message }))
        return
      }
      const asked = (await json(request)) as { objects: { oid: string; size: number }[] }
      const found = asked.objects.map(({ oid, size }) => ({
        oid,
        size,
        ...(objects.has(oid)
          ? { actions: { download: { href: `${objectsAt}/any/info/lfs/objects/${oid}` } } }
          : { error: { code: 404, message: 'Object does not exist' } }),
      }))
      response.writeHead(200, mediaType).end(JSON.stringify({ transfer: 'basic', objects: found }))
    },
  }
  return store
}
