import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { tarOf } from '../../../test/support/archives.ts'
import { CommandFailed } from '../command.ts'
import { packFolder, type PackOptions } from './pack.ts'
import { spool } from './standard-input.ts'

let root: string
let folder: string
let file: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kanihook-pack-'))
  folder = join(root, 'context')
  file = join(root, 'context.tar.gz')
  await mkdir(folder)
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

const skipped: string[] = []
const options = (change: Partial<PackOptions> = {}): PackOptions => ({
  folder,
  dockerfile: 'Dockerfile',
  file,
  maxBytes: 1 << 20,
  signal: new AbortController().signal,
  skipped: (name) => void skipped.push(name),
  ...change,
})

async function entries(): Promise<Map<string, Header & { text: string }>> {
  const found = new Map<string, Header & { text: string }>()
  const tar = extract()
  tar.end(gunzipSync(await readFile(file)))
  for await (const entry of tar) {
    let text = ''
    for await (const chunk of entry) text += String(chunk)
    found.set(entry.header.name, { ...entry.header, text })
  }
  return found
}

/** The files that are sent, without folders. */
async function sent(change?: Partial<PackOptions>): Promise<string[]> {
  await packFolder(options(change))
  return [...(await entries()).keys()].filter((name) => !name.endsWith('/'))
}

// https://docs.docker.com/build/concepts/context/#dockerignore-files and moby/patternmatcher's own tests.
const table: readonly (readonly [string, string, readonly string[]])[] = [
  ['a comment and empty lines', '# secret.env\n\n   \n', ['secret.env', 'src/a.js', 'src/b.md']],
  ['a name in the root alone', 'a.js', ['secret.env', 'src/a.js', 'src/b.md']],
  ['a name', 'secret.env', ['src/a.js', 'src/b.md']],
  ['a / in front', '/secret.env', ['src/a.js', 'src/b.md']],
  ['./ in front', './secret.env', ['src/a.js', 'src/b.md']],
  ['blanks around', '  secret.env  ', ['src/a.js', 'src/b.md']],
  ['a folder', 'src', ['secret.env']],
  ['a folder with a / behind', 'src/', ['secret.env']],
  ['* within a folder', 'src/*', ['secret.env']],
  ['* does not cross folders', '*.js', ['secret.env', 'src/a.js', 'src/b.md']],
  ['*/ is one folder deep', '*/*.js', ['secret.env', 'src/b.md']],
  ['** crosses folders, none included', '**/*.env', ['src/a.js', 'src/b.md']],
  ['** in the middle', 'src/**/b.md', ['secret.env', 'src/a.js']],
  ['? is one character', 'src/?.js', ['secret.env', 'src/b.md']],
  ['a set', 'src/[ab].*', ['secret.env']],
  ['! takes in again', '**\n!src/a.js', ['src/a.js']],
  ['the last pattern decides', '!src/a.js\nsrc', ['secret.env']],
  ['! below a folder that is left out', 'src\n!src/b.md', ['secret.env', 'src/b.md']],
  ['lines that end as on Windows', 'secret.env\r\nsrc\r\n', []],
  ['the case counts', 'SECRET.env', ['secret.env', 'src/a.js', 'src/b.md']],
  ['everything', '*', []],
]

describe('a .dockerignore', () => {
  for (const [what, text, expected] of table) {
    it(`with ${what}: ${JSON.stringify(text)}`, async () => {
      await write({
        Dockerfile: 'FROM scratch',
        '.dockerignore': text,
        'secret.env': 'x',
        'src/a.js': '',
        'src/b.md': '',
      })
      assert.deepEqual(await sent(), ['.dockerignore', 'Dockerfile', ...expected])
    })
  }

  it('takes characters of a RegExp for themselves', async () => {
    await write({ Dockerfile: '', 'a+(1).txt': '', 'aa1.txt': '', '.dockerignore': 'a+(1).txt' })
    assert.deepEqual(await sent(), ['.dockerignore', 'Dockerfile', 'aa1.txt'])
  })

  it('of the Dockerfile comes first, and they go along whatever it says', async () => {
    await write({
      'docker/Api': 'FROM scratch',
      'docker/Api.dockerignore': '*\n!keep',
      '.dockerignore': 'keep',
      keep: '',
      drop: '',
    })
    assert.deepEqual(await sent({ dockerfile: './docker/Api' }), [
      '.dockerignore',
      'docker/Api',
      'docker/Api.dockerignore',
      'keep',
    ])
  })
})

describe('a packed folder', () => {
  it('keeps modes, times, and links as links; it is owned by root', async () => {
    await write({ Dockerfile: 'FROM scratch', 'bin/run': '#!/bin/sh\n' })
    await chmod(join(folder, 'bin/run'), 0o755)
    await utimes(join(folder, 'bin/run'), 1_700_000_000, 1_700_000_000)
    await symlink('run', join(folder, 'bin/link'))
    await symlink('/etc/passwd', join(folder, 'outside'))
    assert.equal(await packFolder(options()), 4)
    const found = await entries()
    assert.deepEqual([...found.keys()], ['Dockerfile', 'bin/', 'bin/link', 'bin/run', 'outside'])
    const run = found.get('bin/run')
    assert.deepEqual([run?.mode, run?.uid, run?.gid], [0o755, 0, 0])
    assert.equal(run?.mtime?.getTime(), 1_700_000_000_000)
    assert.equal(run?.text, '#!/bin/sh\n')
    assert.equal(found.get('bin/link')?.linkname, 'run')
    assert.equal(found.get('outside')?.type, 'symlink')
    assert.equal(found.get('outside')?.text, '')
  })

  it('is the same archive each time, and so has the same {shortSha}', async () => {
    const long = `${'ü'.repeat(60)}/${'x'.repeat(120)}`
    await write({ Dockerfile: 'FROM scratch', [long]: 'deep', b: '', B: '', a: '' })
    assert.equal(await packFolder(options()), 5)
    const first = await readFile(file)
    await packFolder(options())
    assert.deepEqual(await readFile(file), first)
    assert.equal((await entries()).get(long)?.text, 'deep')
  })

  it('leaves a socket out and says so', async () => {
    await write({ Dockerfile: '' })
    const server = createServer().listen(join(folder, 'a.sock'))
    await once(server, 'listening')
    assert.deepEqual(await sent(), ['Dockerfile'])
    assert.deepEqual(skipped, ['a.sock'])
    server.close()
  })

  for (const [what, change, words] of [
    ['a folder that there is not', { folder: '/no/such/folder' }, /^there is no folder \/no\/such/],
    [
      'a Dockerfile that there is not',
      { dockerfile: 'x/Y' },
      /^there is no x\/Y in .*--dockerfile$/,
    ],
    ['what is too large', { maxBytes: 10 }, /larger than the 10 bytes that kanihook takes/],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      await write({ Dockerfile: 'FROM scratch' })
      await assert.rejects(
        packFolder(options(change)),
        (error) => error instanceof CommandFailed && words.test(error.message),
      )
    })
  }
})

describe('a large file', () => {
  it('is refused as too large, and not as one that cannot be packed', async () => {
    await write({ Dockerfile: '' })
    await writeFile(join(folder, 'data'), randomBytes(2 << 20))
    await assert.rejects(packFolder(options({ maxBytes: 1000 })), /larger than the 1000 bytes/)
  })
})

describe('standard input', () => {
  const read = (...chunks: Buffer[]): Promise<void> => {
    const input = Readable.from(chunks, { objectMode: false })
    return spool({ input, file, maxBytes: 1 << 20, signal: new AbortController().signal })
  }

  it('with a tar is compressed on the way', async () => {
    const tar = await tarOf({ Dockerfile: 'FROM scratch' })
    await read(tar.subarray(0, 100), tar.subarray(100))
    assert.deepEqual(gunzipSync(await readFile(file)), tar)
  })

  it('with a tar.gz stays as it is', async () => {
    const archive = gzipSync(await tarOf({ Dockerfile: 'FROM scratch' }))
    await read(archive)
    assert.deepEqual(await readFile(file), archive)
  })

  it('with anything else is refused', async () => {
    await assert.rejects(read(Buffer.from('FROM scratch\n')), /neither a tar nor a tar\.gz/)
    await assert.rejects(read(), /is empty: a tar or tar\.gz is expected/)
  })
})
