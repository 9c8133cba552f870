import { ConfigError } from '../errors.ts'
import type { ForgeDriver, WebhookReader } from './forge.ts'

export interface OwnReaders {
  readonly readers: ReadonlyMap<string, WebhookReader>
  /** A sentence for each secret that this forge cannot take. */
  readonly problems: readonly string[]
}

/** A reader for each `webhookSecret` of a forge's entries, by its name. `url`: where the forge is. */
export function ownReaders(
  driver: Pick<ForgeDriver, 'webhooks'>,
  url: string,
  secrets: ReadonlyMap<string, readonly string[]>,
): OwnReaders {
  const readers = new Map<string, WebhookReader>()
  const problems: string[] = []
  for (const [name, webhookSecrets] of secrets) {
    try {
      readers.set(name, driver.webhooks({ url, webhookSecrets }))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(`webhookSecret ${name}: ${error.message}`)
    }
  }
  return { readers, problems }
}
