import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '../settings/settings.ts'
import { createLinkKeys, type LinkKeys, type PageKind } from './link-keys.ts'

/** The links of this installation. Until the secret is known no key is valid. */
export interface Links extends Pick<LinkKeys, 'valid'> {
  /** A page; undefined where there are no pages, or before `ready`. */
  url(id: string, kind?: PageKind): string | undefined
  /** The key of a page; undefined before `ready`. */
  key(id: string): string | undefined
  /** Resolves when the secret is known, or at once when the signal aborts. Never rejects. */
  ready(signal: AbortSignal): Promise<void>
}

export interface LinksOptions {
  readonly settings: Pick<Settings, 'linkSecrets' | 'publicUrl' | 'pages'>
  /** The secret that every process shares where none is configured; asked for until it answers. */
  readonly keptSecret: () => Promise<string>
}

export function createLinks({ settings, keptSecret }: LinksOptions): Links {
  const { linkSecrets, publicUrl, pages } = settings
  let keys = linkSecrets.length > 0 ? createLinkKeys(linkSecrets) : undefined
  return {
    valid: (id, key, kind) => keys?.valid(id, key, kind) ?? false,
    key: (id) => keys?.key(id),
    url: (id, kind) => (pages === 'link' ? keys?.url(publicUrl, id, kind) : undefined),
    async ready(signal) {
      while (!keys && !signal.aborted) {
        try {
          keys = createLinkKeys([await keptSecret()])
        } catch {
          await sleep(500, undefined, { signal }).catch(() => undefined)
        }
      }
    },
  }
}
