/** Does something to its end, or rejects at once when the signal aborts: what runs then is not waited for. */
export async function untilAborted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  signal.throwIfAborted()
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.race([work(), stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
