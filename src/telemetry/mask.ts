const secretKeys: ReadonlySet<string> = new Set([
  'adminTokens',
  'authorization',
  'body',
  'cookie',
  'headers',
  'linkSecrets',
  'password',
  'privateKey',
  'redisUrl',
  'secret',
  'secrets',
  'token',
  'webhookSecrets',
])

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/**
 * A copy of a log line's fields in which every key that holds secrets, at any depth, is masked.
 * pino's own `redact` wants a path for each depth and costs more than the rest of the line.
 */
export function mask(fields: Record<string, unknown>): Record<string, unknown> {
  const masked: Record<string, unknown> = {}
  for (const key in fields) {
    if (secretKeys.has(key)) masked[key] = '[redacted]'
    else masked[key] = maskValue(fields[key])
  }
  return masked
}

function maskValue(value: unknown): unknown {
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(maskValue)
  return isPlain(value) ? mask(value) : value
}
