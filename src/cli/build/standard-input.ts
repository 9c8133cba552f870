import { createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { isGzip, isTarHeader, tarBlock } from '../../uploads/tar-header.ts'
import { CommandFailed } from '../command.ts'
import { limit } from './limit.ts'

export interface SpoolOptions {
  readonly input: Readable
  /** Where the archive is written. */
  readonly file: string
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** Writes a tar, which is compressed on the way, or a tar.gz as it is. Throws CommandFailed for anything else. */
export async function spool({ input, file, maxBytes, signal }: SpoolOptions): Promise<void> {
  const chunks = input.iterator() as AsyncIterator<Buffer>
  const head = await firstBytes(chunks)
  const compress = isGzip(head) ? new PassThrough() : createGzip()
  if (!isGzip(head) && !isTarHeader(head)) {
    throw new CommandFailed(
      head.length === 0
        ? 'standard input is empty: a tar or tar.gz is expected'
        : 'standard input is neither a tar nor a tar.gz',
    )
  }
  await pipeline(again(head, chunks), compress, limit(maxBytes), createWriteStream(file), {
    signal,
  })
}

async function firstBytes(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0)
  while (head.length < tarBlock) {
    const next = await chunks.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  return head
}

async function* again(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
}
