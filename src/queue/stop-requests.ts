import { EventEmitter, once } from 'node:events'
import type { Redis } from 'ioredis'
import { stopChannel } from './build-store.ts'

/**
 * Tells the holder of a build at once that it was asked to stop. Only a hint: a message is lost while
 * the connection is, and the record is looked at from time to time all the same.
 */
export function createStopRequests(subscriber: Redis): {
  /** Resolves when the build was asked to stop; never rejects, stays pending on abort. */
  stopAsked(id: string, signal: AbortSignal): Promise<void>
} {
  const asked = new EventEmitter()
  asked.setMaxListeners(0)
  subscriber.on('message', (_, id: string) => asked.emit(id))
  subscriber.subscribe(stopChannel).catch(() => undefined)
  return {
    stopAsked: (id, signal) =>
      once(asked, id, { signal }).then(
        () => undefined,
        () => new Promise(() => undefined),
      ),
  }
}
