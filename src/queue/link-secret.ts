import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { key } from './redis.ts'

/** The secret that signs links where none is configured: made once and shared by every process. */
export async function keptLinkSecret(redis: Redis): Promise<string> {
  const name = key('link-secret')
  await redis.set(name, randomBytes(32).toString('base64url'), 'NX')
  const secret = await redis.get(name)
  if (secret === null) throw new Error(`${name} vanished from Redis`)
  return secret
}
