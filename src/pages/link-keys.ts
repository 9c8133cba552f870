import { createHmac, timingSafeEqual } from 'node:crypto'

/** Keys of the pages: whoever was given a build's link can read it, and nobody can guess one. */
export interface LinkKeys {
  /** 192 bits in base64url, made with the newest secret. */
  key(id: string, kind?: PageKind): string
  /** Whether any secret made this key for this page; in constant time, every secret tried. */
  valid(id: string, key: string, kind?: PageKind): boolean
  /** The page's whole URL. `publicUrl` has no trailing slash. */
  url(publicUrl: string, id: string, kind?: PageKind): string
}

/** A page is about one build (where it is not said), or about all builds of a push. */
export type PageKind = 'build' | 'push'

/** The first part of a page's path. */
export const pagePaths = { build: 'builds', push: 'pushes' } as const

const keyBytes = 24

/** The prefix keeps these keys apart from whatever else the secret may one day sign. */
const make = (secret: string, kind: PageKind, id: string): Buffer =>
  createHmac('sha256', secret).update(`${kind} page ${id}`).digest().subarray(0, keyBytes)

/** Throws TypeError without a secret, or for an empty one. `secrets`: newest first. */
export function createLinkKeys(secrets: readonly string[]): LinkKeys {
  const [newest] = secrets
  if (newest === undefined || secrets.includes('')) {
    throw new TypeError('links need at least one secret, and none may be empty')
  }
  const key = (id: string, kind: PageKind = 'build') => make(newest, kind, id).toString('base64url')

  return {
    key,
    valid(id, given, kind = 'build') {
      const bytes = Buffer.from(given, 'base64url')
      // Decoding skips what is no base64url; a key has one spelling only.
      if (bytes.length !== keyBytes || bytes.toString('base64url') !== given) return false
      return secrets.map((secret) => timingSafeEqual(make(secret, kind, id), bytes)).includes(true)
    },
    url: (publicUrl, id, kind = 'build') =>
      `${publicUrl}/${pagePaths[kind]}/${encodeURIComponent(id)}/${key(id, kind)}`,
  }
}
