import { PermanentError, RetryLater } from '../errors.ts'
import { clockOffset } from '../http/clock-offset.ts'
import { isCertificateFault } from '../http/failure-reason.ts'
import { failure, warning, type Remark } from '../remark.ts'
import { ForgeUnreachable, saying, type ApiAnswer } from './api-errors.ts'

/** What a forge's API says of the configured login. */
export interface ForgeExamination {
  readonly remarks: readonly Remark[]
  /** How far the forge's clock is ahead of this machine's, in milliseconds, where it says. */
  readonly clockOffsetMs?: number
}

/** How long each answer may take, in milliseconds: at most two follow each other. */
export const examineTimeoutMs = 4_000

/** Runs an examination; a forge that cannot be asked, or that refuses, is a remark. `prefix`: `GITHUB` */
export async function examined(
  prefix: string,
  look: () => Promise<ForgeExamination>,
): Promise<ForgeExamination> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof RetryLater) {
      const fix = adviceFor(error, prefix)
      return { remarks: [failure(error.message, fix)] }
    }
    if (!(error instanceof PermanentError)) throw error
    const fix = `mend ${prefix}_TOKEN or ${prefix}_API_URL`
    return { remarks: [failure(error.message, fix)] }
  }
}

function adviceFor(error: RetryLater, prefix: string): string {
  if (error.afterMs !== undefined) {
    return `ask again in ${Math.ceil(error.afterMs / 60_000)} min; find out what else uses this account`
  }
  return error instanceof ForgeUnreachable && isCertificateFault(error.reason)
    ? 'name the file of the authority that signed its certificate in NODE_EXTRA_CA_CERTS'
    : `ask again; if it stays so, look at ${prefix}_API_URL and at the way there`
}

/** The remarks, with the forge's clock from one of its answers. */
export function examination(remarks: readonly Remark[], { headers }: ApiAnswer): ForgeExamination {
  const clockOffsetMs = clockOffset(headers.get('date'), Date.now())
  return { remarks, ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }) }
}

/** A 401: the token is none, any more. */
export function refusedToken(answer: ApiAnswer, fix: string): ForgeExamination {
  const said = saying(answer.body).replaceAll(/\s+/g, ' ').slice(0, 100)
  return examination([failure(`the token is refused (${`401 ${said}`.trim()})`, fix)], answer)
}

const day = 86_400_000
const soonDays = 14

/**
 * A remark where the token ends within two weeks. `end`: as the forge writes it; `setting`: where the
 * token is configured; `now`: milliseconds since the epoch.
 */
export function expiryRemarks(
  end: string | null | undefined,
  setting: string,
  now: number,
): Remark[] {
  const at = Date.parse(end ?? '')
  if (Number.isNaN(at) || at - now > soonDays * day) return []
  const days = Math.max(0, Math.floor((at - now) / day))
  const left = days === 0 ? 'within a day' : `in ${days} ${days === 1 ? 'day' : 'days'}`
  return [warning(`the token expires ${left} (${end})`, `make a new one, and set ${setting} to it`)]
}

/** What is left of the rate limit, in words, and a remark where it is little. */
export function rateLeft(
  limit: number | undefined,
  remaining: number | undefined,
): { readonly words: string; readonly remarks: readonly Remark[] } {
  if (!limit || remaining === undefined) return { words: '', remarks: [] }
  const words = `${remaining} of ${limit} requests left`
  if (remaining > limit / 10) return { words: `; ${words}`, remarks: [] }
  const fix = 'find out what else uses this account: statuses come late when the limit is reached'
  return { words: '', remarks: [warning(words, fix)] }
}
