/** Why a container failed, for a person; `retry`: another try may help and costs the author nothing. */
export interface Failure {
  /** `failed`: the author can mend it. `error`: someone else must. */
  readonly state: 'failed' | 'error'
  readonly reason: string
  readonly retry: boolean
}

export const author = (reason: string): Failure => ({ state: 'failed', reason, retry: false })
export const operator = (reason: string): Failure => ({ state: 'error', reason, retry: false })
export const passing = (reason: string): Failure => ({ state: 'error', reason, retry: true })
