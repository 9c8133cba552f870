/**
 * Errors are named by what the caller does next. Their messages are sentences for people and hold
 * no secret: they are logged, stored and shown.
 */

/** Settings cannot be used. The process lists every fault at once and exits 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

/** A webhook request is refused. The message is the constant body of the answer; nothing is stored. */
export class DeliveryRejected extends Error {
  override readonly name = 'DeliveryRejected'
  readonly status: 400 | 401 | 404 | 405 | 408 | 413 | 415 | 429 | 503
  constructor(status: DeliveryRejected['status'], message: string) {
    super(message)
    this.status = status
  }
}

/** Trying again cannot help until a person changes something: no access, gone, not valid. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError'
}

/** The same step may succeed later; `afterMs` (milliseconds) is the earliest sensible time, where known. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater'
  readonly afterMs: number | undefined
  constructor(message: string, options: { afterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.afterMs = options.afterMs
  }
}
