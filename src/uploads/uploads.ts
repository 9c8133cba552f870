import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import type { Readable } from 'node:stream'
import { isEnded, type Build } from '../builds/build.ts'
import { uploadBuildId, type UploadPlanner, type UploadWish } from '../builds/plan-upload.ts'
import type { BuildStore } from '../builds/ports.ts'
import { PermanentError } from '../errors.ts'
import type { UploadStore } from '../queue/upload-store.ts'
import type { UploadSettings } from '../settings/settings.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createArchiveStore } from './archive-store.ts'
import { baseUrl, ownAddress } from './own-address.ts'
import { createArchiveServer } from './server.ts'

export interface UploadsOptions {
  readonly settings: UploadSettings
  readonly host: string
  readonly planner: UploadPlanner
  readonly builds: Pick<BuildStore, 'get' | 'requestStop'>
  readonly store: UploadStore
  readonly logger: Pick<Logger, 'info' | 'warn'>
  /** How often is looked whether builds have ended, in milliseconds. */
  readonly everyMs?: number
}

/** What this process does with uploads: it holds each from its last byte to the end of its build. */
export interface HeldUploads {
  /** Bytes of one archive. */
  readonly maxBytes: number
  /** Removes what an earlier process left, and opens the port for pods. Resolves with that port. */
  open(): Promise<number>
  /**
   * Keeps an archive and makes its build. Throws UploadRefused, PermanentError with a sentence where kanihook.yaml
   * or a tag's owner refuses, or what the stream threw; nothing of the archive is left then. `isGone`: whether who
   * sent it has hung up, asked when the build is there: nobody knows its id then, and it is cancelled.
   */
  build(
    body: Readable,
    declared: number | undefined,
    wish: UploadWish,
    isGone: () => boolean,
  ): Promise<Build>
  /** Closes the port and removes what is held: builds that have not fetched theirs end with that reason. */
  close(): Promise<void>
}

interface Held {
  readonly token: string
  readonly buildId: string
  /** Whether its build was made; `lost`: it may be, and who sent it was not told. */
  state: 'planning' | 'planned' | 'lost'
}

/** Who cancels what is lost. */
const by = 'kanihook: its sender was not told of it'

/** How often those who start builds are told again, in milliseconds: well within `heldMs`. */
const tellMs = 300_000

export function createUploads(options: UploadsOptions): HeldUploads {
  const { settings, host, planner, builds, store, logger, everyMs = 2_000 } = options
  const archives = createArchiveStore(settings)
  const held = new Map<string, Held>()
  const server = createArchiveServer({
    find(id) {
      const [mine, file] = [held.get(id), archives.find(id)]
      return mine && file && { ...file, token: mine.token }
    },
  })
  let base = ''
  let lookedAt: NodeJS.Timeout | undefined
  let told: NodeJS.Timeout | undefined

  async function remove(id: string): Promise<void> {
    held.delete(id)
    await Promise.allSettled([archives.remove(id), store.forget(id)])
  }

  const tell = (id: string, { token }: Held): Promise<void> =>
    store.hold(id, { url: `${base}/uploads/${id}`, token })

  /** Who ends a build may be another process: its record says it. */
  async function look(): Promise<void> {
    for (const [id, { buildId, state }] of held) {
      if (state === 'planning') continue
      const build = await builds.get(buildId)
      if (build !== undefined && state === 'lost') {
        await builds.requestStop(buildId, { why: 'cancelled', by })
      }
      if (build === undefined || state === 'lost' || isEnded(build.state)) await remove(id)
    }
  }

  return {
    maxBytes: settings.maxBytes,

    async open() {
      const left = await archives.sweep()
      if (left.length > 0) logger.warn({ uploads: left }, 'uploads that were left over are removed')
      await Promise.allSettled(left.map(store.forget))
      const port = await server.listen(host, settings.port)
      const address = ownAddress(networkInterfaces()) ?? '127.0.0.1'
      base = settings.url ?? baseUrl(address, port)
      lookedAt = setInterval(quietly(look), everyMs)
      told = setInterval(
        quietly(() => Promise.all([...held].map(([id, mine]) => tell(id, mine)))),
        tellMs,
      )
      return port
    },

    async build(body, declared, wish, isGone) {
      planner.check(wish)
      const received = await archives.receive(body, declared)
      const token = randomBytes(32).toString('hex')
      const buildId = uploadBuildId(received, wish.image)
      const mine: Held = { token, buildId, state: 'planning' }
      held.set(received.id, mine)
      try {
        await tell(received.id, mine)
        const build = await planner.plan(received, wish)
        mine.state = isGone() ? 'lost' : 'planned'
        const { id, image, sha } = build
        logger.info({ build: id, image, sha, bytes: received.bytes }, 'upload taken')
        return build
      } catch (error) {
        if (error instanceof PermanentError) await remove(received.id)
        else mine.state = 'lost'
        throw error
      }
    },

    async close() {
      clearInterval(lookedAt)
      clearInterval(told)
      await server.close(5_000)
      await Promise.all([...held.keys()].map(remove))
    },
  }
}

/** Redis may be away: then it is done the next time. */
const quietly = (work: () => Promise<unknown>) => (): void => void work().catch(() => undefined)
