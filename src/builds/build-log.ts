import type { Cluster, ContainerName, LogLine, LogStore } from './ports.ts'

/** Replaces every secret value by `***`. Longer ones first, so that none is left in parts. */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
    ])
    .filter((form) => form.length >= 6)
    .toSorted((a, b) => b.length - a.length)
  const unique = [...new Set(forms)]
  return (text) => unique.reduce((masked, form) => masked.replaceAll(form, '***'), text)
}

export interface FollowOptions {
  readonly cluster: Pick<Cluster, 'logs'>
  readonly store: LogStore
  readonly buildId: string
  readonly job: string
  readonly container: ContainerName
  readonly mask: (text: string) => string
  readonly signal: AbortSignal
}

/** Lines that are remembered for the explanation of a failure: the first and the last ones. */
const remembered = { first: 200, last: 800 }

/**
 * Copies a container's log into the store while it runs, masked. `lines` are those worth explaining a
 * failure by, oldest first; `done` resolves when the container has ended and all is stored. A log
 * that cannot be read or stored is no failure of the build.
 */
export function followLog(options: FollowOptions): {
  readonly lines: string[]
  readonly done: Promise<void>
} {
  const lines: string[] = []
  return { lines, done: copy(options, lines).catch(() => undefined) }
}

async function copy(options: FollowOptions, lines: string[]): Promise<void> {
  const { cluster, store, buildId, job, container, mask, signal } = options
  const last = (await store.lastTime(buildId, container)) ?? ''
  let batch: LogLine[] = []
  let flushing: Promise<void> = Promise.resolve()
  const flush = (): void => {
    const full = batch
    batch = []
    if (full.length > 0) {
      flushing = flushing.then(() => store.append(buildId, full)).catch(() => undefined)
    }
  }
  const timer = setInterval(flush, 250)
  try {
    for await (const line of cluster.logs(job, container, signal)) {
      const text = mask(line.text)
      if (lines.length >= remembered.first + remembered.last) lines.splice(remembered.first, 1)
      lines.push(text)
      // A worker that adopted the Job reads its log from the start again.
      if (line.time > last) batch.push({ ...line, text })
      if (batch.length >= 200) flush()
    }
  } finally {
    clearInterval(timer)
    flush()
    await flushing
  }
}
