import type { Rules } from './builds/rules.ts'
import type { ForgeDriver } from './forges/forge.ts'
import type { HttpServer } from './http/server.ts'
import type { Links } from './pages/links.ts'
import { createPages } from './pages/pages.ts'
import type { DeliveryQueue } from './queue/delivery-queue.ts'
import type { Stores } from './queue/stores.ts'
import type { Settings } from './settings/settings.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Metrics } from './telemetry/metrics.ts'
import { createReceiver } from './webhooks/receiver.ts'

export interface ReceiverRoleOptions {
  readonly settings: Settings
  readonly drivers: readonly ForgeDriver[]
  readonly rules: Rules
  readonly deliveries: DeliveryQueue
  readonly stores: Stores
  readonly links: Links
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Joins the forges' webhooks and the pages to one port. It needs neither the cluster nor a forge's token. */
export function createReceiverRole(options: ReceiverRoleOptions): HttpServer {
  const { settings, drivers, rules, deliveries, stores, links, logger, metrics } = options
  const readers = drivers.flatMap((driver) => {
    const forge = settings.forges.get(driver.name)
    return forge ? [[driver.name, driver.webhooks(forge)] as const] : []
  })
  return createReceiver({
    forges: new Map(readers),
    knownForges: drivers.map((driver) => driver.name),
    rules,
    queue: deliveries,
    logger,
    metrics,
    pages: createPages({ ...stores, keys: links, mode: settings.pages, logger }),
  })
}
