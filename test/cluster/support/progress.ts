/** Tells a person what is going on: one sentence a call. */
export type Progress = (message: string) => void

export const silent: Progress = () => undefined

/** Writes each message with the time since the start, as `[  12.3s] message`. */
export function createProgress(write: (line: string) => void): Progress {
  const started = Date.now()
  return (message) => write(`[${seconds(started).toFixed(1).padStart(6)}s] ${message}\n`)
}

/** Runs long work and says every 30 s that it still goes on, so that nobody takes it for hung. */
export async function withHeartbeat<T>(
  progress: Progress,
  label: string,
  work: () => Promise<T>,
): Promise<T> {
  const started = Date.now()
  progress(label)
  const timer = setInterval(
    () => progress(`${label}: ${Math.round(seconds(started))} s so far`),
    30_000,
  )
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

function seconds(since: number): number {
  return (Date.now() - since) / 1000
}
