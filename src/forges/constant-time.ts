import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

type Bytes = string | Uint8Array

const digest = (value: Bytes) => createHash('sha256').update(value).digest()

/**
 * Whether two values are equal, in a time that tells neither where they differ nor how long they
 * are: digests of one length are compared.
 */
export const isEqual = (left: Bytes, right: Bytes): boolean =>
  timingSafeEqual(digest(left), digest(right))

/**
 * Whether a secret passes; every one is tried, so the time does not tell which. An empty one never
 * does: anybody can sign with it.
 */
export const someSecret = (
  secrets: readonly string[],
  passes: (secret: string) => boolean,
): boolean => secrets.map((secret) => secret !== '' && passes(secret)).includes(true)

/** Whether one of the secrets signed these bytes with HMAC-SHA256, written as bare hex digits. */
export const isSigned = (secrets: readonly string[], body: Buffer, hex: string): boolean =>
  someSecret(secrets, (secret) =>
    isEqual(createHmac('sha256', secret).update(body).digest('hex'), hex),
  )
