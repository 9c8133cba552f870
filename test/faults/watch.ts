import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node'
import { streamLines } from '../../src/cluster/api-stream.ts'

export interface WatchOptions<T> {
  readonly config: KubeConfig
  /** Of a list, as `/api/v1/namespaces/x/pods`. */
  readonly path: string
  /** Told of each object as it is now, when it changes and when it has gone. */
  readonly changed: (object: T, gone: boolean) => void
  readonly signal: AbortSignal
}

/**
 * Tells of every object until aborted, whatever becomes of the connection: after it broke a new list is
 * compared with what was known. Never rejects.
 */
export async function watchObjects<T extends KubernetesObject>(
  options: WatchOptions<T>,
): Promise<void> {
  const { signal } = options
  const known = new Map<string, T>()
  const tell = (object: T, gone: boolean): void => {
    const uid = object.metadata?.uid ?? ''
    if (gone) known.delete(uid)
    else known.set(uid, object)
    options.changed(object, gone)
  }
  while (!signal.aborted) {
    await follow(options, known, tell).catch(() => undefined)
    await sleep(100, undefined, { signal }).catch(() => undefined)
  }
}

async function follow<T extends KubernetesObject>(
  { config, path, signal }: WatchOptions<T>,
  known: ReadonlyMap<string, T>,
  tell: (object: T, gone: boolean) => void,
): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(20_000)])
  let text = ''
  const listing = { kubeConfig: config, path, query: {}, idleMs: 20_000, signal: bounded }
  for await (const line of streamLines(listing)) text += line.text
  const { items, metadata } = JSON.parse(text) as {
    items: T[]
    metadata: { resourceVersion: string }
  }
  const present = new Set(items.map((item) => item.metadata?.uid))
  for (const [uid, object] of known) if (!present.has(uid)) tell(object, true)
  for (const item of items) {
    const before = known.get(item.metadata?.uid ?? '')
    if (before?.metadata?.resourceVersion !== item.metadata?.resourceVersion) tell(item, false)
  }
  const query = {
    watch: 'true',
    resourceVersion: metadata.resourceVersion,
    allowWatchBookmarks: 'true',
  }
  const watching = { kubeConfig: config, path, query, idleMs: 90_000, signal }
  for await (const line of streamLines(watching)) {
    if (!line.finished) return
    const { type, object } = JSON.parse(line.text) as { type: string; object: T }
    if (type === 'ERROR') return
    if (type !== 'BOOKMARK') tell(object, type === 'DELETED')
  }
}
