import { randomUUID } from 'node:crypto'
import type { CoreV1Event, KubernetesObject, V1Job, V1Pod, V1Secret } from '@kubernetes/client-node'
import { timestamp } from './pod-handle.ts'
import { alreadyExists, notFound } from './status.ts'

/** What is stored, by the name of its collection. */
export interface Objects {
  jobs: V1Job
  pods: V1Pod
  secrets: V1Secret
  events: CoreV1Event
}

export type Resource = keyof Objects

export interface Change {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly resource: Resource
  readonly object: KubernetesObject
}

/** Objects with their versions, and the history that a watch replays. */
export interface Store {
  readonly version: number
  create<R extends Resource>(resource: R, namespace: string, object: Objects[R]): Objects[R]
  get<R extends Resource>(resource: R, namespace: string, name: string): Objects[R]
  find<R extends Resource>(resource: R, namespace: string, name: string): Objects[R] | undefined
  list<R extends Resource>(resource: R, namespace: string): Objects[R][]
  /** Makes the change if the object is still there, and tells. */
  update(resource: Resource, object: KubernetesObject, change: () => void): void
  remove(resource: Resource, object: KubernetesObject): void
  /** Calls back with each change after the version, those of the past first. Returns how to stop. */
  watch(after: number, tell: (change: Change) => void): () => void
}

export function createStore(): Store {
  const objects = new Map<string, KubernetesObject>()
  const history: Change[] = []
  const watchers = new Set<(change: Change) => void>()
  // Real versions are large too: nothing may take them for counters.
  let version = 1000

  const keyOf = (resource: Resource, namespace = '', name = ''): string =>
    `${resource}/${namespace}/${name}`
  const keyOfObject = (resource: Resource, { metadata }: KubernetesObject): string =>
    keyOf(resource, metadata?.namespace, metadata?.name)

  const record = (type: Change['type'], resource: Resource, object: KubernetesObject): void => {
    version += 1
    if (object.metadata) object.metadata.resourceVersion = String(version)
    const change = { version, type, resource, object: structuredClone(object) }
    history.push(change)
    for (const tell of watchers) tell(change)
  }

  return {
    get version() {
      return version
    },
    create(resource, namespace, object) {
      const name = object.metadata?.name ?? ''
      const key = keyOf(resource, namespace, name)
      if (objects.has(key)) throw alreadyExists(resource, name)
      const created = structuredClone(object)
      created.metadata = Object.assign(created.metadata ?? {}, {
        namespace,
        uid: randomUUID(),
        creationTimestamp: timestamp(),
      })
      objects.set(key, created)
      record('ADDED', resource, created)
      return created
    },
    get<R extends Resource>(resource: R, namespace: string, name: string) {
      const object = objects.get(keyOf(resource, namespace, name))
      if (!object) throw notFound(resource, name)
      return object as Objects[R]
    },
    find<R extends Resource>(resource: R, namespace: string, name: string) {
      return objects.get(keyOf(resource, namespace, name)) as Objects[R] | undefined
    },
    list<R extends Resource>(resource: R, namespace: string) {
      const prefix = keyOf(resource, namespace)
      const found = [...objects].filter(([key]) => key.startsWith(prefix))
      return found.map(([, object]) => object as Objects[R])
    },
    update(resource, object, change) {
      if (objects.get(keyOfObject(resource, object)) !== object) return
      change()
      record('MODIFIED', resource, object)
    },
    remove(resource, object) {
      const key = keyOfObject(resource, object)
      if (objects.get(key) !== object) return
      objects.delete(key)
      record('DELETED', resource, object)
    },
    watch(after, tell) {
      for (const change of history) if (change.version > after) tell(change)
      watchers.add(tell)
      return () => watchers.delete(tell)
    },
  }
}
