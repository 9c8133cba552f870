import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface FileWatchOptions {
  readonly path: string
  /** Called with the text each time it differs from the last one, the first one excluded. */
  readonly onText: (text: string) => void
  /** Called once each time that the file turns out to be unreadable. */
  readonly onUnreadable: (error: NodeJS.ErrnoException) => void
  readonly signal: AbortSignal
  /** How often the content is compared when nothing was noticed. Milliseconds. */
  readonly pollMs?: number
  /** How long the folder must be quiet before the file is read. Milliseconds. */
  readonly quietMs?: number
}

/**
 * Follows a file's content from `initial` on. The folder is watched, as the file may be replaced by
 * a rename, or by the swap of a link as Kubernetes does it for a ConfigMap; that is a hint, and
 * reading it every `pollMs` is the truth. Holds no process open; ends when the signal aborts.
 */
export function watchFile(initial: string, options: FileWatchOptions): void {
  const { path, onText, onUnreadable, signal, pollMs = 10_000, quietMs = 100 } = options
  if (signal.aborted) return
  let seen: string | undefined = initial
  let last = Promise.resolve()

  async function compare(): Promise<void> {
    if (signal.aborted) return
    const read = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error)
    const text = typeof read === 'string' ? read : undefined
    if (signal.aborted || text === seen) return
    seen = text
    if (typeof read === 'string') onText(read)
    else onUnreadable(read)
  }
  // One after the other, so that an older text never comes after a newer one.
  const check = (): void => {
    last = last.then(compare)
  }

  const poll = setInterval(check, pollMs).unref()
  let quiet: NodeJS.Timeout | undefined
  const stopHints = watchFolder(dirname(path), () => {
    clearTimeout(quiet)
    quiet = setTimeout(check, quietMs).unref()
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
