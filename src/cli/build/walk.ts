import { lstat, readdir } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { join } from 'node:path'
import type { Ignore } from './ignore.ts'

export interface Found {
  /** Relative to the folder, parts joined by `/`. */
  readonly name: string
  readonly path: string
  readonly stats: Stats
}

/** What a folder holds and is not left out, each folder before what is in it, in the order of the names' bytes. */
export async function* walk(folder: string, ignore: Ignore, below = ''): AsyncGenerator<Found> {
  const names = await readdir(join(folder, below))
  for (const each of names.toSorted(byBytes)) {
    const name = below === '' ? each : `${below}/${each}`
    const path = join(folder, name)
    const stats = await lstat(path)
    const out = ignore.leavesOut(name)
    if (!out) yield { name, path, stats }
    if (stats.isDirectory() && !(out && ignore.isFinal)) yield* walk(folder, ignore, name)
  }
}

/** The same everywhere, whatever the locale. */
const byBytes = (one: string, other: string): number =>
  Buffer.compare(Buffer.from(one), Buffer.from(other))
