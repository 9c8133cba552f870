export interface RepeatOptions {
  /** Between the beginnings, in milliseconds; one that lasts longer is waited for. */
  readonly everyMs: number
  readonly work: () => Promise<unknown>
  readonly onError: (error: Error) => void
}

/** Does something now and ever after, one at a time. */
export function repeat({ everyMs, work, onError }: RepeatOptions): { close(): void } {
  let busy = false
  const once = (): void => {
    if (busy) return
    busy = true
    work()
      .catch(onError)
      .finally(() => (busy = false))
  }
  once()
  const timer = setInterval(once, everyMs)
  return { close: () => clearInterval(timer) }
}
