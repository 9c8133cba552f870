import type { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { RetryLater } from '../errors.ts'
import type { Budget } from '../forges/api.ts'
import { admit, askAgainMs, learn, type Account, type Hold } from '../forges/budget.ts'
import { key } from './redis.ts'

/** Longer than any hold or window; an hour's bucket has run out by then. */
const keptMs = 2 * 3_600_000

/** KEYS: account. ARGV: as it was read, as it is to be, milliseconds. */
const swap = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`

export interface BudgetsOptions {
  readonly redis: Redis
  /** Told once, by the process whose request began it. */
  readonly onHold: (hold: Hold) => void
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** What each credential may still ask, kept in Redis for all workers. `credential`: its digest, never the secret. */
export function createBudgets({
  redis,
  onHold,
  now = Date.now,
}: BudgetsOptions): (forge: string, credential: string) => Budget {
  /** Compare-and-set: whoever was overtaken decides anew. Undefined: nothing is to be kept. */
  async function change<T>(
    name: string,
    decide: (account: Account) => { account?: Account | undefined; result: T },
  ): Promise<T> {
    for (;;) {
      const read = (await redis.get(name)) ?? ''
      const { account, result } = decide(read === '' ? {} : (JSON.parse(read) as Account))
      if (account === undefined) return result
      const written = JSON.stringify(account)
      if ((await redis.eval(swap, 1, name, read, written, keptMs)) === 1) return result
      await sleep(Math.random() * 5)
    }
  }

  return (forge, credential) => ({
    async admit(account, wish) {
      const waitMs = await change(key('budget', forge, credential, account), (known) => {
        const decided = admit(known, wish, now())
        return 'waitMs' in decided
          ? { result: decided.waitMs }
          : { account: decided.account, result: 0 }
      })
      if (waitMs === 0) return
      const seconds = Math.ceil(waitMs / 1000)
      throw new RetryLater(`${forge} is given time: its API may be asked in ${seconds} s`, {
        afterMs: askAgainMs(waitMs, wish.need, Math.random()),
      })
    },

    async learn(account, news) {
      const at = now()
      const begun = await change(key('budget', forge, credential, account), (known) => {
        const next = learn(known, news, at)
        const wasHeld = known.hold && at < known.hold.until && known.hold.why !== 'trial'
        const { hold } = next
        const isNew = hold && hold.why !== 'trial' && !wasHeld
        return { account: next, result: isNew ? hold : undefined }
      })
      if (!begun || begun.why === 'trial') return
      const seconds = Math.ceil((begun.until - at) / 1000)
      onHold({ forge, account, why: begun.why, seconds })
    },
  })
}
