import type { Redis } from 'ioredis'
import type { Settings } from '../settings/settings.ts'
import { createBuildStore } from './build-store.ts'
import { createLogStore } from './log-store.ts'
import { createRefStore } from './ref-store.ts'
import { createStatusStore } from './status-store.ts'
import { createUploadStore } from './upload-store.ts'

/** Everything that is kept in Redis, on one connection. */
export const createStores = (
  redis: Redis,
  settings: Pick<Settings, 'buildRetentionMs' | 'logRetentionMs' | 'maxBuildsPerRepository'>,
) => ({
  builds: createBuildStore({
    redis,
    retentionMs: settings.buildRetentionMs,
    maxPerRepository: settings.maxBuildsPerRepository,
    now: Date.now,
  }),
  logs: createLogStore({ redis, retentionMs: settings.logRetentionMs }),
  refs: createRefStore(redis),
  statuses: createStatusStore(redis),
  uploads: createUploadStore(redis),
})

export type Stores = ReturnType<typeof createStores>
