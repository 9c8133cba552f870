import type { PermanentError } from '../errors.ts'
import { ForgeRefused } from '../forges/api-errors.ts'

/**
 * Why a forge does not show a status. `token`: it is not valid. `access`: it may not. `content`: the forge has not got the
 * commit, or takes no such status, or no more of them. `other`: what cannot be told by the answer's number.
 */
export type RefusalReason = 'token' | 'access' | 'content' | 'other'

/** A status that a forge refused. */
export interface Refusal {
  readonly reason: RefusalReason
  /** A sentence for people, which quotes the forge. */
  readonly message: string
  /** What they can do about it. */
  readonly fix: string
}

const fixes: Readonly<Record<RefusalReason, string>> = {
  token: 'set a token that is valid and restart the worker; kanihook doctor looks at tokens',
  access:
    'give the token, or the App, that repository and the right to set commit statuses; kanihook doctor looks at rights',
  content: 'nothing, for one commit: it is gone, or full. For many: report it',
  other: 'look at what the forge said; kanihook doctor looks at its settings',
}

/** GitLab says 404 of a commit too. */
const noCommit = /\b(?:commit not found|no commit found)\b/i

function reasonOf(error: PermanentError): RefusalReason {
  if (!(error instanceof ForgeRefused)) return 'other'
  const { status, message } = error
  if (status === 401) return 'token'
  if (status === 400 || status === 422 || noCommit.test(message)) return 'content'
  return status === 403 || status === 404 ? 'access' : 'other'
}

export function refusalOf(error: PermanentError): Refusal {
  const reason = reasonOf(error)
  return { reason, message: error.message, fix: fixes[reason] }
}

/**
 * A token that was changed, a repository that was moved: what a person mends in a day is still shown. A commit may be missing
 * for a moment after its push, where the forge's servers do not agree yet.
 */
const maxRefusals = ({ reason }: Refusal): number => (reason === 'content' ? 4 : 30)

/**
 * Milliseconds until a status that was refused so many times is tried again: a minute, doubled up to an hour. Undefined:
 * not before it has changed.
 */
export function tryAgainMs(refusal: Refusal, refusals: number): number | undefined {
  if (refusals >= maxRefusals(refusal)) return undefined
  return 60_000 * Math.min(2 ** (refusals - 1), 60)
}
