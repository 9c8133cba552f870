import { randomBytes } from 'node:crypto'
import type { V1Job, V1ObjectMeta, V1Pod } from '@kubernetes/client-node'
import { timestamp } from './pod-handle.ts'
import type { Objects, Store } from './store.ts'

/** Changes a part of an object and tells those who watch. */
export interface Patch {
  status<R extends 'jobs' | 'pods'>(
    resource: R,
    object: Objects[R],
    part: Partial<NonNullable<Objects[R]['status']>>,
  ): void
  metadata(resource: 'jobs' | 'pods', object: V1Job | V1Pod, part: Partial<V1ObjectMeta>): void
}

export const createPatch = (store: Store): Patch => ({
  status: (resource, object, part) =>
    store.update(resource, object, () => Object.assign((object.status ??= {}), part)),
  metadata: (resource, object, part) =>
    store.update(resource, object, () => Object.assign((object.metadata ??= {}), part)),
})

/** A warning event about a Job or a pod. */
export function warn(store: Store, about: V1Job | V1Pod, reason: string, message: string): void {
  const { name = '', namespace = '', uid = '' } = about.metadata ?? {}
  store.create('events', namespace, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${randomBytes(8).toString('hex')}` },
    involvedObject: { kind: about.kind ?? '', name, namespace, uid },
    type: 'Warning',
    reason,
    message,
    lastTimestamp: timestamp(),
  })
}
