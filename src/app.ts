import type { KubeConfig } from '@kubernetes/client-node'
import { createAdmin } from './admin/admin.ts'
import { createOperator } from './admin/operator.ts'
import type { ReadinessCheck } from './admin/readiness.ts'
import { createUploadPlanner } from './builds/plan-upload.ts'
import type { ForgeDriver } from './forges/forge.ts'
import { createLinks } from './pages/links.ts'
import { createDeliveryQueue } from './queue/deliveries.ts'
import { keptLinkSecret } from './queue/link-secret.ts'
import { connectBounded } from './queue/redis.ts'
import { createStores } from './queue/stores.ts'
import { createWorkQueues } from './queue/work-queues.ts'
import { createReceiverRole } from './receiver-role.ts'
import { namespacesOf } from './settings/config.ts'
import type { LiveRules } from './settings/live-rules.ts'
import type { LiveOwnSecrets } from './settings/own-secrets.ts'
import type { Settings } from './settings/settings.ts'
import type { Logger } from './telemetry/logger.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { createUploads } from './uploads/uploads.ts'
import { startWorkerRole, type WorkerRole } from './worker-role.ts'

export interface AppOptions {
  readonly settings: Settings
  readonly config: LiveRules
  readonly ownSecrets: Pick<LiveOwnSecrets, 'of'>
  readonly drivers: readonly ForgeDriver[]
  /** Read in the worker role alone. */
  readonly kubeConfig: () => KubeConfig
  readonly logger: Logger
}

export interface App {
  /** The ports that are listened on; `receiver` is undefined without that role. */
  readonly ports: { readonly admin: number; readonly receiver: number | undefined }
  /** Takes no more work, hands over what runs, and closes everything. */
  stop(): Promise<void>
}

/**
 * The one place where the parts are joined. Resolves when the ports are open; what needs Redis or the
 * cluster begins when they answer. What was opened is closed in reverse order (the roles side by side), also
 * where a later step fails.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const { settings, config, drivers, logger } = options
  const { rules, registries } = config
  const kubeConfig = settings.roles.includes('worker') ? options.kubeConfig() : undefined
  const metrics = createMetrics()
  metrics.watchConfig(config.isRefused)
  await using opened = new AsyncDisposableStack()
  const stopping = new AbortController()
  opened.defer(() => stopping.abort())

  const { hostname, port } = new URL(settings.redisUrl)
  const redis = connectBounded(settings.redisUrl, (state, message) => {
    const facts = { redis: `${hostname}:${port || 6379}` }
    if (state === 'lost') logger.error({ ...facts, message }, 'Redis cannot be reached')
    else logger.info(facts, 'Redis is back')
  })
  opened.defer(() => redis.disconnect())
  const stores = createStores(redis, settings)
  const deliveries = createDeliveryQueue(redis)
  opened.defer(() => deliveries.close())
  const queues = createWorkQueues({ redis })
  opened.defer(() => queues.close())
  metrics.watchQueues(async () =>
    (await Promise.all([deliveries.depths(), queues.depths()])).flat(),
  )
  const links = createLinks({ settings, keptSecret: () => keptLinkSecret(redis) })
  const linksReady = links.ready(stopping.signal)

  const checks = new Map<string, ReadinessCheck>([
    ['redis', async () => void (await redis.ping())],
    ['this process, which is stopping', async () => stopping.signal.throwIfAborted()],
  ])
  const workerChecks = new Map<string, ReadinessCheck>()
  let worker: WorkerRole | undefined
  const held =
    settings.uploads &&
    createUploads({
      settings: settings.uploads,
      host: settings.host,
      planner: createUploadPlanner({ ...stores, rules, enqueue: queues.build, now: Date.now }),
      builds: stores.builds,
      store: stores.uploads,
      logger,
    })
  if (held) {
    const uploadsPort = await held.open()
    opened.defer(() => held.close())
    logger.info({ host: settings.host, port: uploadsPort }, 'uploads are served to builds')
  }
  const admin = createAdmin({
    ...createOperator({ stores, queues, deliveries }),
    deliveries,
    uploads: held && {
      ...held,
      images: () => config.config().uploads.map(({ name, dockerfile }) => ({ name, dockerfile })),
    },
    logger,
    metrics,
    checks,
    workerChecks,
    stoppedQueues: () => worker?.stoppedQueues() ?? [],
    tokens: settings.adminTokens,
    pageUrl: links.url,
  })
  const adminPort = await admin.listen(settings.adminHost, settings.adminPort)
  opened.defer(() => admin.close(1_000))
  logger.info({ host: settings.adminHost, port: adminPort }, 'admin listens')

  // Side by side: a worker that takes its time must not keep the receiver from its last answers.
  const roles: { close(): Promise<void> }[] = []
  opened.defer(async () => void (await Promise.all(roles.map((role) => role.close()))))

  let receiverPort: number | undefined
  if (settings.roles.includes('receiver')) {
    const parts = { settings, drivers, rules, deliveries, stores, links, logger, metrics }
    const receiver = createReceiverRole({ ...parts, ownSecrets: options.ownSecrets.of })
    receiverPort = await receiver.listen(settings.host, settings.port)
    roles.push({ close: () => receiver.close(5_000) })
    logger.info({ host: settings.host, port: receiverPort }, 'receiver listens')
  }

  if (kubeConfig) {
    const matches = (): string[] => config.config().entries.map(({ match }) => match)
    const parts = {
      settings,
      drivers,
      rules,
      registries,
      matches,
      namespaces: () => namespacesOf(config.config()),
      deliveries,
      links,
      logger,
      metrics,
    }
    // Statuses link to pages, so their keys come first.
    const starting = linksReady.then(() => {
      if (stopping.signal.aborted) return undefined
      return (worker = startWorkerRole({ ...parts, kubeConfig, boundedRedis: redis }))
    })
    workerChecks.set('kubernetes', async () => (await starting)?.check())
    roles.push({ close: async () => (await starting)?.close() })
  }

  const running = opened.move()
  return {
    ports: { admin: adminPort, receiver: receiverPort },
    async stop() {
      stopping.abort()
      await running.disposeAsync()
    },
  }
}
