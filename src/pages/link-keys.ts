import { createHmac, timingSafeEqual } from 'node:crypto'

/** Keys of the pages: whoever was given a build's link can read it, and nobody can guess one. */
export interface LinkKeys {
  /** 192 bits in base64url, made with the newest secret. */
  key(buildId: string): string
  /** Whether any secret made this key for this build; in constant time, every secret tried. */
  valid(buildId: string, key: string): boolean
  /** The page's whole URL. `publicUrl` has no trailing slash. */
  url(publicUrl: string, buildId: string): string
}

const keyBytes = 24

/** The prefix keeps these keys apart from whatever else the secret may one day sign. */
const make = (secret: string, buildId: string): Buffer =>
  createHmac('sha256', secret).update(`build page ${buildId}`).digest().subarray(0, keyBytes)

/** Throws TypeError without a secret, or for an empty one. `secrets`: newest first. */
export function createLinkKeys(secrets: readonly string[]): LinkKeys {
  const [newest] = secrets
  if (newest === undefined || secrets.includes('')) {
    throw new TypeError('links need at least one secret, and none may be empty')
  }
  const key = (buildId: string) => make(newest, buildId).toString('base64url')

  return {
    key,
    valid(buildId, given) {
      const bytes = Buffer.from(given, 'base64url')
      // Decoding skips what is no base64url; a key has one spelling only.
      if (bytes.length !== keyBytes || bytes.toString('base64url') !== given) return false
      return secrets.map((secret) => timingSafeEqual(make(secret, buildId), bytes)).includes(true)
    },
    url: (publicUrl, buildId) =>
      `${publicUrl}/builds/${encodeURIComponent(buildId)}/${key(buildId)}`,
  }
}
