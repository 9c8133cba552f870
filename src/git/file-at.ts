import { PermanentError } from '../errors.ts'

export interface FileAtOptions {
  /** Runs git in a bare repository that has the commit's root folder. */
  readonly ask: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<string>
  readonly url: string
  readonly commit: string
  /** A name in the root folder. */
  readonly path: string
  readonly maxBytes: number
}

/** A blob of more bytes is not even fetched to the end; far above what git itself needs. */
const allocLimit = 16 << 20

const kinds: Readonly<Record<string, string>> = {
  '120000': 'a symbolic link',
  '040000': 'a folder',
  '160000': 'a submodule',
}

/** As `GitRemote.file` says. */
export async function readFileAt({
  ask,
  url,
  commit,
  path,
  maxBytes,
}: FileAtOptions): Promise<{ text: string } | { problem: string } | undefined> {
  const listed = await ask(['ls-tree', '--full-tree', '-z', commit, '--', path])
  // `100644 blob <id>\t<path>`
  const [mode = '', , id] = listed.split(/[ \t]/, 3)
  if (id === undefined) return undefined
  const kind = kinds[mode]
  if (kind !== undefined) return { problem: `is ${kind} (commit a regular file)` }

  const tooLarge = { problem: `is larger than ${maxBytes >> 10} KiB (shorten it)` }
  const bounds = { GIT_ALLOC_LIMIT: `${allocLimit}` }
  try {
    // Blobs are unpacked in memory, and so within the limit.
    const unpacked = ['-c', 'core.bigFileThreshold=4g', '-c', 'fetch.unpackLimit=1000']
    await ask(
      [...unpacked, 'fetch', '--quiet', '--depth=1', '--no-tags', '--end-of-options', url, id],
      bounds,
    )
    const size = Number(await ask(['cat-file', '-s', id]))
    return size > maxBytes ? tooLarge : { text: await ask(['cat-file', 'blob', id]) }
  } catch (error) {
    if (error instanceof TooLarge) return tooLarge
    throw error
  }
}

/** Git refused to take so much memory. */
export class TooLarge extends PermanentError {}
