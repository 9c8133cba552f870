import { join } from 'node:path'
import type { Cleanup } from './cleanup.ts'
import { startKanihook, type Kanihook } from './kanihook.ts'
import type { Printer } from './printer.ts'
import { prove } from './proof.ts'
import { startRedis } from './redis.ts'
import { createRegistryLogin } from './registry-login.ts'
import { createSample, type Sample } from './sample.ts'
import { createStory, type Ended } from './story.ts'
import type { Surroundings } from './surroundings/surroundings.ts'
import { tellFindings, tellNextPush } from './words.ts'

export interface Parts {
  readonly kanihook: Kanihook
  readonly sample: Sample
  /** Whether the first build that ended is an image that was pulled back and found right. */
  readonly firstEnd: Promise<boolean>
  /** Rejects when kanihook or Redis ends by itself. */
  readonly failed: Promise<never>
}

export interface PartsOptions {
  readonly around: Surroundings
  readonly printer: Printer
  readonly cleanup: Cleanup
  readonly signal: AbortSignal
  /** For everything that is written. */
  readonly folder: string
}

/** Starts Redis and kanihook, and tells what they do from then on. */
export async function startParts(options: PartsOptions): Promise<Parts> {
  const { around, printer, cleanup, signal, folder } = options
  const pushSecret = await createRegistryLogin(around, cleanup)
  const sample = await createSample(join(folder, 'sample'), around.forge, around.baseImage)
  const redis = await startRedis(join(folder, 'redis'))
  cleanup.add(() => redis.service.stop())
  signal.throwIfAborted()

  const first = Promise.withResolvers<boolean>()
  let pushes = 0
  const story = createStory({
    around,
    printer,
    adminUrl: () => kanihook.adminUrl,
    onPush(at) {
      pushes += 1
      if (pushes > 1) tellNextPush(printer, at)
    },
    onEnded: async (ended) => first.resolve(await verify(ended)),
  })

  async function verify({ sha, pushed, status }: Ended): Promise<boolean> {
    const [image] = pushed
    const { registry } = around
    if (!image || !registry) return image !== undefined && status.status === 'success'
    const findings = await prove({ sha, ...image, status }, { folder, registry, sample })
    tellFindings(printer, findings)
    return findings.every(({ holds }) => holds)
  }

  const kanihook: Kanihook = await startKanihook({
    folder,
    around,
    redisUrl: redis.url,
    pushSecret,
    onEvent: (event) => story.tell(event),
  })
  cleanup.add(() => kanihook.service.stop())
  cleanup.add(() => story.mute())
  await kanihook.ready()
  await around.forge.addWebhook(kanihook.webhookUrl)
  const failed = Promise.race([kanihook.service.ended, redis.service.ended])
  failed.catch(() => undefined) // heard by whoever waits for it
  return { kanihook, sample, firstEnd: first.promise, failed }
}
