import { z } from 'zod'
import { PermanentError, RetryLater } from '../errors.ts'
import { UploadRefused } from '../uploads/refused.ts'

/** An id that nothing is known under. */
export class NotFound extends Error {
  override readonly name = 'NotFound'
}

export interface AdminRefusal {
  readonly status: 400 | 404 | 408 | 409 | 413 | 415 | 500 | 503 | 507
  readonly body: { readonly error: string }
}

/** What an operator is told. PermanentError: the state forbids it; its sentence says why. */
export function refusal(error: unknown): AdminRefusal {
  if (error instanceof NotFound) return { status: 404, body: { error: error.message } }
  if (error instanceof PermanentError) return { status: 409, body: { error: error.message } }
  if (error instanceof RetryLater) return { status: 503, body: { error: error.message } }
  if (error instanceof UploadRefused) {
    return { status: error.status, body: { error: error.message } }
  }
  if (error instanceof z.ZodError) return { status: 400, body: { error: sayFaults(error) } }
  if (isBodyError(error)) {
    const sentence = error.status === 400 ? 'the body is not valid JSON' : 'the body is refused'
    return { status: error.status, body: { error: sentence } }
  }
  if (isRedisError(error)) return { status: 503, body: { error: 'Redis cannot be reached now' } }
  return { status: 500, body: { error: 'internal error' } }
}

/** What ioredis says of a connection that is away, silent, or refuses to serve. */
const isRedisError = (error: unknown): boolean =>
  error instanceof Error &&
  (['ReplyError', 'MaxRetriesPerRequestError', 'AbortError'].includes(error.name) ||
    /Stream isn't writeable|Command timed out|Connection is closed/.test(error.message))

const sayFaults = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ')

/** What express makes of a path or a body that it cannot read. */
const isBodyError = (error: unknown): error is { status: 400 | 413 | 415 } =>
  error instanceof Error && 'status' in error && [400, 413, 415].includes(error.status as number)
