import type { Rules } from './builds/rules.ts'
import type { ForgeDriver, ForgeSettings, WebhookReader } from './forges/forge.ts'
import { ownReaders } from './forges/own-readers.ts'
import type { HttpServer } from './http/server.ts'
import type { Links } from './pages/links.ts'
import { createPages } from './pages/pages.ts'
import type { DeliveryQueue } from './queue/delivery-queue.ts'
import type { Stores } from './queue/stores.ts'
import type { OwnSecrets } from './settings/own-secrets.ts'
import type { Settings } from './settings/settings.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Metrics } from './telemetry/metrics.ts'
import { createReceiver } from './webhooks/receiver.ts'
import { createSigners } from './webhooks/signers.ts'

export interface ReceiverRoleOptions {
  readonly settings: Settings
  readonly drivers: readonly ForgeDriver[]
  readonly rules: Rules
  /** The secrets that entries have of their own, as they stand now, of those that may be about a host. */
  readonly ownSecrets: (host: string) => OwnSecrets
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
    return forge ? [[driver.name, readerOf(driver, forge, options)] as const] : []
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

/** Believes the forge's own secrets, and of an entry's those that sign for the repository. */
export function readerOf(
  driver: ForgeDriver,
  { url, webhookSecrets }: ForgeSettings,
  { rules, ownSecrets, logger }: Pick<ReceiverRoleOptions, 'rules' | 'ownSecrets' | 'logger'>,
): WebhookReader {
  const { host } = new URL(url)
  let made: { readonly of: OwnSecrets; readonly readers: ReadonlyMap<string, WebhookReader> }
  return createSigners({
    shared: driver.webhooks({ url, webhookSecrets }),
    own() {
      const secrets = ownSecrets(host)
      if (made?.of !== secrets) {
        const { readers, problems } = ownReaders(driver, url, secrets)
        for (const problem of problems) logger.error({ forge: driver.name }, problem)
        made = { of: secrets, readers }
      }
      return made.readers
    },
    rules,
  })
}
