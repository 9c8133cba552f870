import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface FolderWatchOptions {
  readonly folder: string
  /** Reads what is there now; one call follows another. */
  readonly check: () => Promise<void>
  readonly signal: AbortSignal
  /** How often it is called when nothing was noticed. Milliseconds. */
  readonly pollMs?: number
  /** How long the folder must be quiet before it is called. Milliseconds. */
  readonly quietMs?: number
}

export interface FileWatchOptions extends Omit<FolderWatchOptions, 'folder' | 'check'> {
  readonly path: string
  /** Called with the text each time it differs from the last one, the first one excluded. */
  readonly onText: (text: string) => void
  /** Called once each time that the file turns out to be unreadable. */
  readonly onUnreadable: (error: NodeJS.ErrnoException) => void
}

/**
 * Follows a file's content from `initial` on. The folder is watched, as the file may be replaced by
 * a rename, or by the swap of a link as Kubernetes does it for a ConfigMap.
 */
export function watchFile(initial: string, options: FileWatchOptions): void {
  const { path, onText, onUnreadable, ...rest } = options
  let seen: string | undefined = initial

  async function check(): Promise<void> {
    if (rest.signal.aborted) return
    const read = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error)
    const text = typeof read === 'string' ? read : undefined
    if (rest.signal.aborted || text === seen) return
    seen = text
    if (typeof read === 'string') onText(read)
    else onUnreadable(read)
  }
  followFolder({ folder: dirname(path), check, ...rest })
}

/**
 * Has a folder's content checked: a change that is noticed is a hint, and reading it every `pollMs` is the
 * truth. Holds no process open; ends when the signal aborts.
 */
export function followFolder(options: FolderWatchOptions): void {
  const { folder, check, signal, pollMs = 10_000, quietMs = 100 } = options
  if (signal.aborted) return
  let last = Promise.resolve()
  // One after the other, so that an older text never comes after a newer one.
  const next = (): void => {
    last = last.then(check)
  }

  const poll = setInterval(next, pollMs).unref()
  let quiet: NodeJS.Timeout | undefined
  const stopHints = watchFolder(folder, () => {
    clearTimeout(quiet)
    quiet = setTimeout(next, quietMs).unref()
  })
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(poll)
      clearTimeout(quiet)
      stopHints()
    },
    { once: true },
  )
}

/** Where the system has no watch to give (limits, network file systems), there are no hints. */
function watchFolder(folder: string, onChange: () => void): () => void {
  try {
    const watcher = watch(folder, { persistent: false }, onChange)
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => {}
  }
}
