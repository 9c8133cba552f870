import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerName } from './containers.ts'
import type { Cluster, LogLine, LogStore } from './ports.ts'

/** Replaces every secret value by `***`. Longer ones first, so that none is left in parts. */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      ...quotedForms(secret),
    ])
    .filter((form) => form.length >= 6)
    .toSorted((a, b) => b.length - a.length)
  const unique = [...new Set(forms)]
  return (text) => unique.reduce((masked, form) => masked.replaceAll(form, '***'), text)
}

/** As Kaniko's logger writes it: in JSON Go escapes what has a meaning in HTML. */
function quotedForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  return [json, json.replace(/[<>&]/g, hexadecimal)]
}

const hexadecimal = (character: string): string =>
  `\\u00${character.charCodeAt(0).toString(16).padStart(2, '0')}`

export interface BuildLogOptions {
  readonly cluster: Pick<Cluster, 'logs'>
  readonly store: LogStore
  readonly buildId: string
  readonly job: string
  /** Told with each line; undefined: the build has one Job, or it is its index. */
  readonly platform?: string | undefined
  readonly mask: (text: string) => string
  /** Ends the copying; what has come until then is kept. */
  readonly signal: AbortSignal
}

/** The copying of a Job's log into the store. A log that cannot be read or stored is no failure. */
export interface BuildLog {
  /** Copies a container's log while it runs; calling it again changes nothing. */
  follow(container: ContainerName): void
  /** The lines worth explaining a failure by, oldest first, once the container's log is whole. */
  complete(container: ContainerName): Promise<readonly string[]>
  completeAll(): Promise<void>
  /** Ends what is still being copied. */
  close(): void
}

/** Lines that are remembered for the explanation of a failure: the first and the last ones. */
const remembered = { first: 200, last: 800 }

/** Stands for what is between them. */
export const omittedLines = '…'

/** How long the end of a log is waited for once its container has ended, in milliseconds. */
const patienceMs = 3_000

export function createBuildLog(options: BuildLogOptions): BuildLog {
  const closing = new AbortController()
  const signal = AbortSignal.any([options.signal, closing.signal])
  const copies = new Map<ContainerName, { lines: string[]; done: Promise<void> }>()

  function follow(container: ContainerName): { lines: string[]; done: Promise<void> } {
    const lines: string[] = []
    const present = copies.get(container) ?? {
      lines,
      done: copy({ ...options, signal }, container, lines).catch(() => undefined),
    }
    copies.set(container, present)
    return present
  }

  async function complete(container: ContainerName): Promise<readonly string[]> {
    const { lines, done } = follow(container)
    const patience = new AbortController()
    const late = sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([done, late])
    patience.abort()
    return lines
  }

  return {
    follow: (container) => void follow(container),
    complete,
    completeAll: async () => void (await Promise.all([...copies.keys()].map(complete))),
    close: () => closing.abort(),
  }
}

async function copy(
  options: BuildLogOptions,
  container: ContainerName,
  lines: string[],
): Promise<void> {
  const { cluster, store, buildId, job, platform, mask, signal } = options
  const source = { container, ...(platform === undefined ? {} : { platform }) }
  const last = (await store.lastTime(buildId, source)) ?? ''
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
      if (lines.length >= remembered.first + remembered.last) {
        lines.splice(remembered.first, 2, omittedLines)
      }
      lines.push(text)
      // A worker that adopted the Job reads its log from the start again.
      if (line.time > last) batch.push({ ...line, ...source, text })
      if (batch.length >= 200) flush()
    }
  } finally {
    clearInterval(timer)
    flush()
    await flushing
  }
}
