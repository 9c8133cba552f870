import type { Redis } from 'ioredis'
import type { HeldUpload, Uploads } from '../builds/ports.ts'
import { key } from './redis.ts'

/** Where uploads are held, in Redis: for the workers, which start their builds. */
export interface UploadStore extends Uploads {
  /** For a while: who holds it says so again and again, so that one who died does not hold it for ever. */
  hold(id: string, held: HeldUpload): Promise<void>
  /** None there is fine. */
  forget(id: string): Promise<void>
}

/** How long is believed what was said of an upload, in milliseconds. */
export const heldMs = 3_600_000

const uploadKey = (id: string): string => key('upload', id)

export function createUploadStore(redis: Redis): UploadStore {
  return {
    async find(id) {
      const text = await redis.get(uploadKey(id))
      return text === null ? undefined : (JSON.parse(text) as HeldUpload)
    },
    async hold(id, held) {
      await redis.set(uploadKey(id), JSON.stringify(held), 'PX', heldMs)
    },
    async forget(id) {
      await redis.del(uploadKey(id))
    },
  }
}
