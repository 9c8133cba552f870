import { constants, gunzipSync } from 'node:zlib'
import { UploadRefused } from './refused.ts'
import { isGzip, isTarHeader } from './tar-header.ts'

/** So much of an archive is looked at, in bytes: it holds a tar header, and cannot unpack to more than some MiB. */
const enough = 16 * 1024

/** Refuses what is no tar.gz by how it begins: its builder would only say so minutes later. */
export function createHeadCheck(): {
  /** Throws UploadRefused. */
  see(chunk: Uint8Array): void
  /** The archive is whole. Throws UploadRefused. */
  end(): void
} {
  let head: Buffer | undefined = Buffer.alloc(0)

  function judge(bytes: Buffer): void {
    head = undefined
    if (bytes.length === 0) throw new UploadRefused(400, 'the body is empty: a tar.gz is expected')
    if (!isGzip(bytes)) throw new UploadRefused(400, 'the body is not gzip: a tar.gz is expected')
    if (!isTarHeader(unpacked(bytes))) {
      throw new UploadRefused(
        400,
        'the body is gzip, but there is no tar in it: a tar.gz is expected',
      )
    }
  }

  return {
    see(chunk) {
      if (!head) return
      head = Buffer.concat([head, chunk])
      // Two bytes tell gzip from all else.
      if (head.length >= enough || (head.length >= 2 && !isGzip(head))) judge(head)
    },
    end() {
      if (head) judge(head)
    },
  }
}

/** What the beginning of a gzip unpacks to. */
function unpacked(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  }
}
