import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, readlink, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack, type Pack } from 'tar-stream'
import { CommandFailed } from '../command.ts'
import { readIgnore } from './ignore.ts'
import { limit } from './limit.ts'
import { walk, type Found } from './walk.ts'

export interface PackOptions {
  readonly folder: string
  /** Relative to the folder. */
  readonly dockerfile: string
  /** Where the archive is written. */
  readonly file: string
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Told of what cannot be sent: sockets, devices. */
  readonly skipped: (name: string) => void
}

/**
 * Packs a folder as docker build does: without what its `.dockerignore` (or `<Dockerfile>.dockerignore`, which comes
 * first) leaves out, links as links, owned by root, in a fixed order. Returns the number of files. Throws
 * CommandFailed for what cannot be packed or is too large.
 */
export async function packFolder(options: PackOptions): Promise<number> {
  const { folder, file, maxBytes, signal, skipped } = options
  const dockerfile = posix.normalize(options.dockerfile)
  if (!(await isFolder(folder))) throw new CommandFailed(`there is no folder ${folder}`)
  if (!(await isFile(join(folder, dockerfile)))) {
    throw new CommandFailed(`there is no ${dockerfile} in ${folder}: name it with --dockerfile`)
  }
  const ignoreFiles = [`${dockerfile}.dockerignore`, '.dockerignore']
  const texts = await Promise.all(ignoreFiles.map((name) => textOf(join(folder, name))))
  const ignore = readIgnore(texts.find((text) => text !== undefined) ?? '', [
    dockerfile,
    ...ignoreFiles,
  ])

  const tar = pack()
  let files = 0
  const fill = async (): Promise<void> => {
    for await (const found of walk(folder, ignore)) {
      if (await add(tar, found)) files += found.stats.isDirectory() ? 0 : 1
      else skipped(found.name)
    }
    tar.finalize()
  }
  const chunks = tar[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>
  const written = pipeline(chunks, createGzip(), limit(maxBytes), createWriteStream(file), {
    signal,
  })
  try {
    await Promise.all([written, fill()])
  } catch (error) {
    tar.destroy()
    // What cannot be written ends what is being read, too, and is the cause.
    const [end] = await Promise.allSettled([written])
    throw end.status === 'rejected' && end.reason instanceof CommandFailed ? end.reason : error
  }
  return files
}

/** False: it is of a kind that no image has. */
async function add(tar: Pack, { name, path, stats }: Found): Promise<boolean> {
  const header = {
    mode: stats.mode & 0o7777,
    mtime: new Date(Math.floor(stats.mtimeMs / 1000) * 1000),
    uid: 0,
    gid: 0,
  }
  if (stats.isDirectory()) await entry(tar, { ...header, name: `${name}/`, type: 'directory' })
  else if (stats.isSymbolicLink()) {
    await entry(tar, { ...header, name, type: 'symlink', linkname: await readlink(path) })
  } else if (stats.isFile()) await entry(tar, { ...header, name, size: stats.size }, path)
  else return false
  return true
}

type EntryHeader = Parameters<Pack['entry']>[0]

function entry(tar: Pack, header: EntryHeader, path?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sink = tar.entry(header, (error) => (error ? reject(unpacked(header, error)) : resolve()))
    // One without content ends by itself.
    if (path === undefined) return
    const source = createReadStream(path)
    source.once('error', (error) => {
      sink.destroy()
      reject(unpacked(header, error))
    })
    source.pipe(sink)
  })
}

const unpacked = ({ name }: EntryHeader, error: Error): CommandFailed => {
  const { code } = error as NodeJS.ErrnoException
  const why = /size mismatch/i.test(error.message)
    ? 'it changed meanwhile'
    : (code ?? error.message)
  return new CommandFailed(`${name} cannot be packed: ${why}`)
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false

const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isFile() ?? false

/** Undefined: there is no such file. */
const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined)
