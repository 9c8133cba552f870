import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { eventually } from '../../test/support/eventually.ts'
import { createArchiveStore, type ArchiveStoreOptions } from './archive-store.ts'
import { UploadRefused } from './refused.ts'

const folders: string[] = []
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanihook-archives-'))
  folders.push(dir)
})
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

const store = (change: Partial<ArchiveStoreOptions> = {}) =>
  createArchiveStore({ dir, maxBytes: 1 << 20, diskBytes: 2 << 20, ...change })

/** A tar.gz of one file with so many bytes that cannot be made less. */
async function archive(bytes = 1_000): Promise<Buffer> {
  const tar = pack()
  tar.entry({ name: 'data' }, randomBytes(bytes))
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(chunk as Buffer)
  return gzipSync(Buffer.concat(chunks))
}

const bodyOf = (...chunks: Buffer[]): Readable => Readable.from(chunks, { objectMode: false })
const left = (): Promise<string[]> => readdir(dir)

const noSpaceWords = 'kanihook has no disk space left for uploads (UPLOADS_DIR)'
const noSpace = (error: unknown): boolean =>
  error instanceof UploadRefused && error.status === 507 && error.message === noSpaceWords

/** Arguments of a Node that keeps its standard input in that folder, and prints how that is refused. */
const receiving = (folder: string): string[] => [
  '--input-type=module',
  '--eval',
  `import { readdirSync } from 'node:fs'
const { createArchiveStore } = await import(${JSON.stringify(import.meta.resolve('./archive-store.ts'))})
const store = createArchiveStore({ dir: process.argv[1], maxBytes: 1e9, diskBytes: 1e9 })
await store.receive(process.stdin, undefined).catch(({ status, message }) => {
  process.stdout.write(status + ' ' + message + ', ' + readdirSync(process.argv[1]).length + ' left')
})`,
  folder,
]

const refused = (status: number, words: RegExp) => (error: unknown) =>
  error instanceof UploadRefused && error.status === status && words.test(error.message)

describe('an archive', () => {
  it('is kept as it came, with its digest, until it is removed', async () => {
    const archives = store()
    const body = await archive()
    const { id, sha, bytes } = await archives.receive(bodyOf(body), body.length)
    assert.equal(sha, createHash('sha256').update(body).digest('hex'))
    assert.equal(bytes, body.length)
    const found = archives.find(id)
    assert.deepEqual(await readFile(found?.path ?? ''), body)
    await archives.remove(id)
    assert.equal(archives.find(id), undefined)
    assert.deepEqual(await left(), [])
  })

  for (const [what, body, words] of [
    ['nothing', Buffer.alloc(0), /is empty/],
    ['no gzip', Buffer.from('<html>'), /is not gzip/],
    ['a gzip of something else', gzipSync('hello, world'), /no tar in it/],
    [
      'a gzip that is broken',
      Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
      /no tar in it/,
    ],
    ['a gzip of nothing but zeros', gzipSync(Buffer.alloc(10_240)), /no tar in it/],
  ] as const) {
    it(`that is ${what} is refused, and nothing of it is left`, async () => {
      await assert.rejects(store().receive(bodyOf(body), body.length), refused(400, words))
      assert.deepEqual(await left(), [])
    })
  }

  it('that is no archive is refused by its first bytes, while the rest is still to come', async () => {
    const body = new PassThrough()
    body.write('garbage')
    await assert.rejects(store().receive(body, 1_000_000), refused(400, /is not gzip/))
    assert.ok(!body.destroyed, 'nobody could be told')
  })

  it('that is too large is refused before it comes where it says so, else when it is', async () => {
    const body = await archive(5_000)
    const archives = store({ maxBytes: 4_096 })
    const words = /larger than the 4 KiB that kanihook takes \(MAX_UPLOAD\)/
    await assert.rejects(archives.receive(new PassThrough(), 5_000), refused(413, words))
    await assert.rejects(archives.receive(bodyOf(body), undefined), refused(413, words))
    assert.deepEqual(await left(), [])
  })

  it('that does not end is refused as soon as it is too large', async () => {
    const body = new PassThrough()
    const received = store({ maxBytes: 4_096, idleMs: 5_000 }).receive(body, undefined)
    body.write(await archive(5_000))
    await assert.rejects(received, refused(413, /larger than the 4 KiB/))
    assert.deepEqual(await left(), [])
  })

  it('counts for what came, not for what it said', async () => {
    const archives = store({ diskBytes: 9_000 })
    const body = await archive(1_000)
    const { id } = await archives.receive(bodyOf(body), 8_000)
    assert.equal(archives.find(id)?.bytes, body.length)
    await archives.receive(bodyOf(body), 7_000)
  })

  it('for which the others leave no room is refused, until one of them is gone', async () => {
    const archives = store({ diskBytes: 7_000 })
    const body = await archive(4_000)
    const first = await archives.receive(bodyOf(body), body.length)
    const words = /as many uploads as it has room for now \(6.8 KiB, UPLOADS_DISK\)/
    await assert.rejects(archives.receive(bodyOf(body), body.length), refused(507, words))
    await assert.rejects(archives.receive(bodyOf(body), undefined), refused(507, words))
    await archives.remove(first.id)
    await archives.receive(bodyOf(body), body.length)
  })

  it('counts against the room while it is still coming', async () => {
    const archives = store({ diskBytes: 7_000 })
    const coming = new PassThrough()
    const first = archives.receive(coming, 4_000)
    await assert.rejects(
      archives.receive(bodyOf(await archive(4_000)), 4_300),
      refused(507, /room/),
    )
    coming.destroy(new Error('gone'))
    await assert.rejects(first, /gone/)
    await archives.receive(bodyOf(await archive(4_000)), 4_300)
  })

  it('whose sender hangs up leaves nothing', async () => {
    const body = new PassThrough()
    const received = store().receive(body, 100_000)
    body.write((await archive(50_000)).subarray(0, 30_000))
    await eventually(async () => {
      const [name] = await left()
      return name !== undefined && (await stat(join(dir, name))).size > 0
    })
    body.destroy(new Error('aborted'))
    await assert.rejects(received, /aborted/)
    assert.deepEqual(await left(), [])
  })

  it('of which nothing comes any more is given up', async () => {
    const body = new PassThrough()
    body.write((await archive()).subarray(0, 100))
    await assert.rejects(
      store({ idleMs: 30 }).receive(body, 1_000),
      refused(408, /no byte of the upload came for 0.03 s/),
    )
    assert.deepEqual(await left(), [])
  })

  for (const code of ['ENOSPC', 'EDQUOT']) {
    it(`for which the disk has no space (${code}) is refused, and nothing of it is left`, async (t) => {
      const some = await open(join(dir, 'some'), 'w')
      await some.close()
      await rm(join(dir, 'some'))
      t.mock.method(Object.getPrototypeOf(some) as FileHandle, 'appendFile', async () => {
        throw Object.assign(new Error(code), { code })
      })
      await assert.rejects(store().receive(bodyOf(await archive()), undefined), noSpace)
      assert.deepEqual(await left(), [])
    })
  }

  it('for which the disk fills up while it is written is refused, and nothing of it is left', async () => {
    // A limit of a process' own is what a full disk is to it.
    const child = spawn('sh', [
      '-c',
      'ulimit -f 64 && exec "$0" "$@"',
      process.execPath,
      ...receiving(dir),
    ])
    child.stdin.on('error', () => undefined)
    child.stdin.end(await archive(2_000_000))
    const [said, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.equal(said, `507 ${noSpaceWords}, 0 left`, errors)
  })
})

describe('the folder', () => {
  it('is made, and what an earlier process left in it is removed, and nothing else', async () => {
    await writeFile(join(dir, '0123456789abcdef.tar.gz'), 'left over')
    await writeFile(join(dir, 'README'), 'of somebody')
    assert.deepEqual(await store().sweep(), ['0123456789abcdef'])
    assert.deepEqual(await left(), ['README'])
    assert.deepEqual(await store({ dir: join(dir, 'new', 'folder') }).sweep(), [])
  })
})
