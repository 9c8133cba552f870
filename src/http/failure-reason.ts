/**
 * What a request without an answer met, in a word: `ECONNREFUSED`, `no answer in time`. The errors'
 * own messages may quote what was sent.
 */
export function failureReason(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each.name === 'TimeoutError' || each.name === 'AbortError') return 'no answer in time'
    const code = (each as NodeJS.ErrnoException).code
    if (typeof code === 'string') {
      return /TIMEOUT|ETIMEDOUT/.test(code) ? `no answer in time (${code})` : code
    }
  }
  return 'no connection'
}

/** Whether the reason is a certificate that is not trusted, has ended, or is of another host. */
export const isCertificateFault = (reason: string): boolean =>
  /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(reason)
