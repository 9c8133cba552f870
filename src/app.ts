import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Redis } from 'ioredis'
import { createAdmin } from './admin/admin.ts'
import { createOperator } from './admin/operator.ts'
import type { ReadinessCheck } from './admin/readiness.ts'
import type { ForgeDriver } from './forges/forge.ts'
import { createLinkKeys, type LinkKeys } from './pages/link-keys.ts'
import { createPages } from './pages/pages.ts'
import { createDeliveryQueue } from './queue/deliveries.ts'
import { keptLinkSecret } from './queue/link-secret.ts'
import { connectBounded, connectPatient } from './queue/redis.ts'
import { createStores } from './queue/stores.ts'
import { createWorkQueues } from './queue/work-queues.ts'
import type { LiveRules } from './settings/live-rules.ts'
import type { Settings } from './settings/settings.ts'
import type { Logger } from './telemetry/logger.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { createReceiver } from './webhooks/receiver.ts'
import { startWorkerRole, type WorkerRole } from './worker-role.ts'

export interface AppOptions {
  readonly settings: Settings
  readonly config: LiveRules
  readonly drivers: readonly ForgeDriver[]
  /** Read only in the worker role. */
  readonly kubeConfig: () => KubeConfig
  readonly logger: Logger
}

export interface App {
  /** The ports that are listened on; `receiver` is undefined without that role. */
  readonly ports: { readonly admin: number; readonly receiver: number | undefined }
  /** Takes no more work, hands over what runs, and closes everything. */
  stop(): Promise<void>
}

/** The one place where the parts are joined. Resolves when the ports are open. */
export async function startApp(options: AppOptions): Promise<App> {
  const { settings, config, drivers, kubeConfig, logger } = options
  const { rules, registries } = config
  const metrics = createMetrics()
  const releasers: (() => Promise<void> | void)[] = []
  const stopping = new AbortController()

  const requests = connectBounded(settings.redisUrl)
  releasers.push(() => requests.disconnect())
  const stores = createStores(requests, settings)
  const deliveries = createDeliveryQueue(requests)
  const queues = createWorkQueues({ redis: requests })
  releasers.push(
    () => queues.close(),
    () => deliveries.close(),
  )
  metrics.watchQueues(() => queues.depths())

  const links = createLinks(settings)
  const checks = new Map<string, ReadinessCheck>([
    ['redis', async () => void (await requests.ping())],
    ['this process', async () => stopping.signal.throwIfAborted()],
  ])

  const operator = createOperator({ stores, queues })
  const admin = createAdmin({
    ...operator,
    deliveries,
    logger,
    metrics,
    checks,
    tokens: settings.adminTokens,
    pageUrl: settings.pages === 'link' ? links.url : undefined,
  })
  releasers.push(() => admin.close(1_000))
  const adminPort = await admin.listen(settings.adminHost, settings.adminPort)
  logger.info({ host: settings.adminHost, port: adminPort }, 'admin listens')

  let receiverPort: number | undefined
  if (settings.roles.includes('receiver')) {
    const readers = drivers.flatMap((driver) => {
      const forge = settings.forges.get(driver.name)
      return forge ? [[driver.name, driver.webhooks(forge)] as const] : []
    })
    const receiver = createReceiver({
      forges: new Map(readers),
      knownForges: drivers.map((driver) => driver.name),
      rules,
      queue: deliveries,
      logger,
      metrics,
      pages: createPages({ ...stores, keys: links, mode: settings.pages, logger }),
    })
    releasers.push(() => receiver.close(5_000))
    receiverPort = await receiver.listen(settings.host, settings.port)
    logger.info({ host: settings.host, port: receiverPort }, 'receiver listens')
  }

  if (settings.roles.includes('worker')) {
    const patient = connectPatient(settings.redisUrl)
    releasers.push(() => patient.disconnect())
    const clients = drivers.flatMap((driver) => {
      const forge = settings.forges.get(driver.name)
      return forge ? [[driver.name, driver.client(forge)] as const] : []
    })
    let worker: WorkerRole | undefined
    checks.set('kubernetes', async () => worker?.check())
    const start = async (): Promise<void> => {
      // Statuses link to pages, so their keys come first.
      await links.load(patient, stopping.signal)
      if (stopping.signal.aborted) return
      worker = startWorkerRole({
        settings,
        redis: patient,
        rules,
        registries,
        forges: new Map(clients),
        kubeConfig: kubeConfig(),
        pageUrl: settings.pages === 'link' ? links.url : () => undefined,
        logger,
        metrics,
      })
      logger.info({ namespace: settings.buildNamespace }, 'worker runs')
    }
    const started = start()
    releasers.push(async () => {
      await started
      await worker?.close()
    })
  } else {
    void links.load(requests, stopping.signal)
  }

  return {
    ports: { admin: adminPort, receiver: receiverPort },
    async stop() {
      stopping.abort()
      for (const release of releasers.toReversed()) {
        await Promise.resolve(release()).catch((error: unknown) =>
          logger.warn({ err: error }, 'not closed in good order'),
        )
      }
    },
  }
}

interface Links extends Pick<LinkKeys, 'valid'> {
  url(buildId: string): string
  /** Takes the secret from the settings, or from Redis as soon as that answers. Never rejects. */
  load(redis: Redis, signal: AbortSignal): Promise<void>
}

/** Until its secret is known no key is valid, and no status is posted. */
function createLinks({ linkSecrets, publicUrl }: Settings): Links {
  let keys = linkSecrets.length > 0 ? createLinkKeys(linkSecrets) : undefined
  return {
    valid: (id, key) => keys?.valid(id, key) ?? false,
    url: (id) => keys?.url(publicUrl, id) ?? publicUrl,
    async load(redis, signal) {
      while (!keys && !signal.aborted) {
        keys = await keptLinkSecret(redis).then(
          (secret) => createLinkKeys([secret]),
          () => sleep(500, undefined, { signal }).catch(() => undefined),
        )
      }
    },
  }
}
