/** What one look at something outside of kanihook found. */
export interface Remark {
  readonly severity: Severity
  /** For the person who runs kanihook; holds no secret. */
  readonly message: string
  /** What to do about it. */
  readonly fix?: string
}

export type Severity = 'ok' | 'warning' | 'error'

export const fine = (message: string): Remark => ({ severity: 'ok', message })

export const warning = (message: string, fix?: string): Remark => remark('warning', message, fix)

export const failure = (message: string, fix?: string): Remark => remark('error', message, fix)

const remark = (severity: Severity, message: string, fix: string | undefined): Remark => ({
  severity,
  message,
  ...(fix === undefined ? {} : { fix }),
})
