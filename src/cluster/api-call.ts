import { ApiException, Observable, type ConfigurationOptions } from '@kubernetes/client-node'
import { PermanentError, RetryLater } from '../errors.ts'

/** Options for one call: the client itself would wait for ever. `ms` covers the whole answer. */
export function within(ms: number, signal?: AbortSignal): ConfigurationOptions {
  const deadline = AbortSignal.timeout(ms)
  const either = signal ? AbortSignal.any([deadline, signal]) : deadline
  return {
    middleware: [
      {
        pre: (context) => {
          context.setSignal(either)
          return new Observable(Promise.resolve(context))
        },
        post: (response) => new Observable(Promise.resolve(response)),
      },
    ],
    middlewareMergeStrategy: 'append',
  }
}

/** The HTTP status that the API answered with, or undefined where it did not answer. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiException ? error.code : undefined

/** Turns 404 into undefined. */
export async function orAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** What the API says about the refusal: the `message` of its Status object. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ApiException)) return error instanceof Error ? error.message : 'no answer'
  const body: unknown = error.body
  try {
    const status: unknown = typeof body === 'string' ? JSON.parse(body) : body
    if (status && typeof status === 'object' && 'message' in status) return String(status.message)
  } catch {
    // A proxy's page, not a Status.
  }
  return `HTTP ${error.code}`
}

/** Anything that went wrong while asking: the API may answer better later. */
export const unanswered = (what: string, error: unknown): RetryLater =>
  error instanceof RetryLater
    ? error
    : new RetryLater(`${what}: ${messageOf(error)}`, { ...retryAfter(error), cause: error })

/**
 * Why an object cannot be created. A full quota and a namespace that is just going away pass, and so does
 * a want of rights: an API server that has just started denies all until it has read its roles. What it calls
 * invalid, or a policy forbids, does not pass until a person changes something.
 */
export function refused(what: string, error: unknown): PermanentError | RetryLater {
  const code = statusOf(error)
  const message = messageOf(error)
  if (code === 403 && /exceeded quota/.test(message)) {
    return new RetryLater(`The namespace's quota is full: ${message}`, { cause: error })
  }
  if (code === 403 && /being terminated|cannot create resource/.test(message)) {
    return unanswered(what, error)
  }
  if (code !== undefined && [400, 403, 404, 413, 422].includes(code)) {
    return new PermanentError(`${what}: ${message}`, { cause: error })
  }
  return unanswered(what, error)
}

function retryAfter(error: unknown): { afterMs?: number } {
  if (!(error instanceof ApiException)) return {}
  const headers = error.headers as Record<string, string> | undefined
  const seconds = Number(headers?.['retry-after'])
  return seconds > 0 ? { afterMs: seconds * 1000 } : {}
}
