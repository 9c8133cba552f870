import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { admit, askAgainMs, learn, type Account, type Need, type News } from './budget.ts'

const start = Date.UTC(2026, 1, 3, 4, 0, 0)
const minute = 60_000
const pace = { perMinute: 80, perHour: 500 }
const window = (remaining: number, endsAt = start + 60 * minute, limit = 5_000) => ({
  limit,
  remaining,
  endsAt,
})
const taken = (said?: ReturnType<typeof window>): News => ({ answer: 'taken', window: said })

/** Milliseconds that a post has to wait; 0: it goes out. */
function wait(account: Account, need: Need, now = start): number {
  const decided = admit(account, { need, creates: true, pace }, now)
  return 'waitMs' in decided ? decided.waitMs : 0
}

/** The account after the news, in their order. */
const after = (...news: readonly News[]): Account =>
  news.reduce<Account>((account, each) => learn(account, each, start), {})

/** Sends as much as goes out, asking every second from `from` to `until`; the times at which something went. */
function flood(account: Account, need: Need, from: number, until: number) {
  const sent: number[] = []
  for (let now = from; now < until; now += 1_000) {
    for (;;) {
      const decided = admit(account, { need, creates: true, pace }, now)
      if ('waitMs' in decided) break
      account = decided.account
      sent.push(now)
    }
  }
  return { account, sent }
}

const mostWithin = (sent: readonly number[], ms: number): number =>
  Math.max(...sent.map((from) => sent.filter((at) => at >= from && at < from + ms).length))

describe("a credential's budget", () => {
  it('is open to all while nothing is known', () => {
    for (const need of ['question', 'end', 'pending'] as const) assert.equal(wait({}, need), 0)
  })

  it('keeps a tenth of the window for ends when pending statuses have used the rest', () => {
    const low = after(taken(window(500)))
    assert.equal(wait(low, 'pending'), 60 * minute)
    assert.equal(wait(low, 'end'), 0)
    assert.equal(wait(low, 'question'), 0)
    assert.equal(wait(after(taken(window(501))), 'pending'), 0)
  })

  it('asks nothing of a window that is used up, and everything of the next', () => {
    const empty = after(taken(window(0)))
    for (const need of ['question', 'end', 'pending'] as const) {
      assert.equal(wait(empty, need), 60 * minute)
      assert.equal(wait(empty, need, start + 60 * minute), 0)
    }
  })

  it('counts what is on the way, so that many at once do not overdraw it', () => {
    let account = after(taken(window(503)))
    let sent = 0
    for (;;) {
      const decided = admit(account, { need: 'pending', creates: true, pace: undefined }, start)
      if ('waitMs' in decided) break
      account = decided.account
      sent += 1
    }
    assert.equal(sent, 3)
  })

  it('believes the lower of two answers about one window, and the later window', () => {
    assert.equal(after(taken(window(100)), taken(window(120))).window?.remaining, 100)
    const next = window(5_000, start + 120 * minute)
    assert.equal(after(taken(window(100)), taken(next)).window?.remaining, 5_000)
    assert.equal(after(taken(next), taken(window(100))).window?.remaining, 5_000)
  })

  it('never lets out more than the limits of a minute, nor pending ones over that of an hour', () => {
    const known = after(taken(window(5_000, start + 600 * minute)))
    const ends = flood(known, 'end', start, start + 10 * minute).sent
    assert.ok(mostWithin(ends, minute) <= 80, `${mostWithin(ends, minute)}`)
    const pending = flood(known, 'pending', start, start + 180 * minute).sent
    assert.ok(mostWithin(pending, minute) <= 80)
    assert.ok(mostWithin(pending, 60 * minute) <= 500, `${mostWithin(pending, 60 * minute)}`)
    assert.ok(pending.length > 1_200, 'and wastes none of it')
  })

  it('has room for an end at once when pending statuses have taken all that they may', () => {
    const known = after(taken(window(5_000)))
    const { account, sent } = flood(known, 'pending', start, start + 30 * minute)
    const last = sent.at(-1)!
    assert.ok(wait(account, 'pending', last) > 0)
    assert.equal(wait(account, 'end', last), 0)
  })

  it('is not paced where the forge tells of no limits', () => {
    let account = after(taken())
    for (let n = 0; n < 200; n++) {
      const decided = admit(account, { need: 'pending', creates: true, pace }, start)
      assert.ok('account' in decided)
      account = decided.account
    }
  })
})

describe('a hold', () => {
  const limited: News = { answer: 'limited', waitMs: 90_000 }

  it('is for everything of the credential, for as long as the forge says', () => {
    const account = after(limited)
    for (const need of ['question', 'end', 'pending'] as const) {
      assert.equal(wait(account, need), 90_000)
      assert.equal(wait(account, need, start + 90_000), 0)
    }
  })

  it('is not shortened by the answers to what was sent before', () => {
    const shorter: News = { answer: 'limited', waitMs: 1_000 }
    assert.equal(wait(after(limited, shorter), 'end'), 90_000)
    assert.equal(wait(after(limited, taken(window(4_000))), 'end'), 90_000)
    assert.equal(wait(after(limited, { answer: 'none' }), 'end'), 90_000)
  })

  it('ends with one request, whose answer the others wait for', () => {
    const now = start + 90_000
    const first = admit(after(limited), { need: 'end', creates: true, pace }, now)
    assert.ok('account' in first)
    assert.equal(wait(first.account, 'end', now), 1_000)
    assert.equal(wait(learn(first.account, taken(), now), 'pending', now), 0)
    assert.equal(wait(learn(first.account, limited, now), 'end', now), 90_000)
    assert.equal(wait(first.account, 'end', now + 12_000), 0, 'nor do they wait for one that died')
  })

  it('begins when a forge did not answer twice, and is longer each time up to a minute', () => {
    assert.equal(wait(after({ answer: 'none' }), 'end'), 0)
    const waits: number[] = []
    let account = after({ answer: 'none' })
    let now = start
    for (let n = 0; n < 9; n++) {
      account = learn(account, { answer: 'none' }, now)
      waits.push(wait(account, 'end', now) / 1_000)
      now += wait(account, 'end', now)
      const trial = admit(account, { need: 'end', creates: true, pace }, now)
      assert.ok('account' in trial)
      account = trial.account
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60])
    assert.deepEqual(learn(account, taken(), now).unanswered, undefined)
  })

  it('is not made longer by those that were on the way together', () => {
    const none: News = { answer: 'none' }
    assert.equal(wait(after(none, none, none, none, none, none), 'end'), 1_000)
  })
})

describe('the time at which those that wait ask again', () => {
  it('is spread, ends before pending statuses, and never more than some minutes away', () => {
    assert.deepEqual(
      [0, 1].map((random) => askAgainMs(60_000, 'end', random)),
      [60_000, 63_000],
    )
    assert.deepEqual(
      [0, 1].map((random) => askAgainMs(60_000, 'pending', random)),
      [66_000, 72_000],
    )
    assert.ok(askAgainMs(60 * minute, 'pending', 1) <= 6 * minute)
  })
})
