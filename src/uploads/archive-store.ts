import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ReceivedUpload } from '../builds/plan-upload.ts'
import { createHeadCheck } from './archive-head.ts'
import { sizeText, UploadRefused } from './refused.ts'

export interface ArchiveStoreOptions {
  readonly dir: string
  /** Bytes of one archive. */
  readonly maxBytes: number
  /** Bytes of all together, those that are still coming included. */
  readonly diskBytes: number
  /** How long no byte may come, in milliseconds. */
  readonly idleMs?: number
}

/** Archives on this machine's disk. None is ever held in memory. */
export interface ArchiveStore {
  /** Makes the folder, and removes what an earlier process left in it. Returns the ids of that. */
  sweep(): Promise<readonly string[]>
  /**
   * Keeps a body. `declared`: the bytes that it says it has. Throws UploadRefused, or what the body's stream threw
   * when its sender hung up; nothing of it is left then, and the stream is not read on.
   */
  receive(body: Readable, declared: number | undefined): Promise<ReceivedUpload>
  /** Where it is, and how long. Undefined: there is none. */
  find(id: string): { path: string; bytes: number } | undefined
  /** None there is fine. */
  remove(id: string): Promise<void>
}

const suffix = '.tar.gz'

/** No block is left, or none for this user, or none for this process. */
const outOfSpace: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

export function createArchiveStore(options: ArchiveStoreOptions): ArchiveStore {
  const { dir, maxBytes, diskBytes, idleMs = 60_000 } = options
  /** Bytes by id: of archives, and what is set aside for those that are still coming. */
  const taken = new Map<string, number>()
  const whole = new Set<string>()
  const pathOf = (id: string): string => join(dir, id + suffix)

  function setAside(id: string, bytes: number): void {
    if (bytes > maxBytes) throw new UploadRefused(413, tooLarge(maxBytes))
    const others = [...taken].reduce((sum, [each, size]) => (each === id ? sum : sum + size), 0)
    if (others + bytes > diskBytes) throw new UploadRefused(507, noRoom(diskBytes))
    taken.set(id, bytes)
  }

  async function remove(id: string): Promise<void> {
    whole.delete(id)
    await rm(pathOf(id), { force: true })
    taken.delete(id)
  }

  async function write(id: string, file: FileHandle, body: Readable): Promise<ReceivedUpload> {
    const hash = createHash('sha256')
    const head = createHeadCheck()
    let bytes = 0
    for await (const chunk of chunksOf(body, idleMs)) {
      bytes += chunk.length
      if (bytes > (taken.get(id) ?? 0)) setAside(id, bytes)
      head.see(chunk)
      hash.update(chunk)
      await file.appendFile(chunk)
    }
    head.end()
    setAside(id, bytes)
    return { id, bytes, sha: hash.digest('hex') }
  }

  return {
    remove,

    async sweep() {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      const left = (await readdir(dir)).filter((name) => name.endsWith(suffix))
      await Promise.all(left.map((name) => rm(join(dir, name), { force: true })))
      return left.map((name) => name.slice(0, -suffix.length))
    },

    async receive(body, declared) {
      const id = randomBytes(8).toString('hex')
      setAside(id, declared ?? 0)
      // One who hangs up before the file is open is heard of when the body is read.
      body.once('error', () => undefined)
      try {
        await using file = await open(pathOf(id), 'wx', 0o600)
        const received = await write(id, file, body)
        whole.add(id)
        return received
      } catch (error) {
        await remove(id)
        throw outOfSpace.has((error as NodeJS.ErrnoException).code ?? '')
          ? new UploadRefused(507, `kanihook has no disk space left for uploads (UPLOADS_DIR)`)
          : error
      }
    },

    find(id) {
      return whole.has(id) ? { path: pathOf(id), bytes: taken.get(id) ?? 0 } : undefined
    },
  }
}

export const tooLarge = (maxBytes: number): string =>
  `the upload is larger than the ${sizeText(maxBytes)} that kanihook takes (MAX_UPLOAD): leave out what the build does not need (.dockerignore)`

const noRoom = (diskBytes: number): string =>
  `kanihook holds as many uploads as it has room for now (${sizeText(diskBytes)}, UPLOADS_DISK): try again when their builds have ended`

/** Throws where nothing comes for too long. The stream is left as it is, so that its sender can be answered. */
async function* chunksOf(body: Readable, idleMs: number): AsyncGenerator<Buffer> {
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  for (;;) {
    const { promise: idle, reject } = Promise.withResolvers<never>()
    const late = new UploadRefused(408, `no byte of the upload came for ${idleMs / 1000} s`)
    const timer = setTimeout(reject, idleMs, late)
    try {
      const next = await Promise.race([chunks.next(), idle])
      if (next.done) return
      yield next.value
    } finally {
      clearTimeout(timer)
    }
  }
}
