/**
 * What a credential may still ask of its forge. Pure: each function makes the next state of an account of the last
 * one. Times are milliseconds since the epoch.
 */

/** How many requests that create something a forge takes beside its window: GitHub's "secondary" limits. */
export interface Pace {
  readonly perMinute: number
  readonly perHour: number
}

/**
 * What a request is for. `end`: what a person waits to hear of a build. `pending`: what is still under way, and will be
 * told anew if it changes meanwhile.
 */
export type Need = 'question' | 'end' | 'pending'

/** What all who share a credential know of it. */
export interface Account {
  /**
   * No request goes out before `until`. `trial`: one went out after another hold had ended, and its answer decides
   * about all others.
   */
  readonly hold?: { readonly until: number; readonly why: 'limited' | 'away' | 'trial' }
  /** How often in a row the forge has not answered. */
  readonly unanswered?: number
  /** The forge's own count, as its last answer said. */
  readonly window?: Window
  /** What was created of late: levels of two buckets that leak. */
  readonly created?: { readonly minute: number; readonly hour: number; readonly at: number }
}

export interface Window {
  readonly limit: number
  readonly remaining: number
  readonly endsAt: number
}

/** What came of a request. `limited`: not before so many milliseconds have passed. */
export type News =
  | { readonly answer: 'taken'; readonly window: Window | undefined }
  | { readonly answer: 'limited'; readonly waitMs: number }
  | { readonly answer: 'none' }

/** The forge is left in peace, by all who share the credential. */
export interface Hold {
  readonly forge: string
  /** Of a GitHub App, whose installation; empty: all that the credential is for. */
  readonly account: string
  /** `limited`: it has had enough. `away`: it does not answer. */
  readonly why: 'limited' | 'away'
  readonly seconds: number
}

export interface Wish {
  readonly need: Need
  /** It creates something at the forge. */
  readonly creates: boolean
  readonly pace: Pace | undefined
}

const minute = 60_000
const hour = 60 * minute

/** How long the answer to a trial is waited for: longer than any request may take. */
const trialMs = 12_000

/** Of a window, what pending statuses leave to everything else. */
const reserve = 0.1

/** The account once the request is sent, or how long it has to wait, in milliseconds. */
export function admit(
  account: Account,
  { need, creates, pace }: Wish,
  now: number,
): { readonly account: Account } | { readonly waitMs: number } {
  const { hold, window } = account
  if (hold && now < hold.until) {
    return { waitMs: hold.why === 'trial' ? Math.min(1_000, hold.until - now) : hold.until - now }
  }
  const open = window && now < window.endsAt ? window : undefined
  const least = need === 'pending' ? (open?.limit ?? 0) * reserve : 0
  if (open && open.remaining <= least) return { waitMs: open.endsAt - now }
  // A forge that tells of no window has no limits: GitHub's own, at a company's server, are off unless switched on.
  const paced = creates && pace && window ? pace : undefined
  const created = leaked(account.created, pace, now)
  const waitMs = paced ? paceMs(created, need, paced) : 0
  if (waitMs > 0) return { waitMs }
  return {
    account: {
      ...account,
      ...(hold ? { hold: { until: now + trialMs, why: 'trial' } } : {}),
      ...(open ? { window: { ...open, remaining: open.remaining - 1 } } : {}),
      ...(creates && pace
        ? { created: { minute: created.minute + 1, hour: created.hour + 1, at: now } }
        : {}),
    },
  }
}

/** The account after an answer, or none. */
export function learn(account: Account, news: News, now: number): Account {
  const { hold, unanswered = 0 } = account
  const held = hold && now < hold.until ? hold : undefined
  if (news.answer === 'limited') {
    const until = Math.max(now + news.waitMs, held?.why === 'limited' ? held.until : 0)
    return { ...account, hold: { until, why: 'limited' } }
  }
  if (news.answer === 'none') {
    // What was sent before the hold says nothing new.
    if (held && held.why !== 'trial') return account
    const times = unanswered + 1
    // One lost connection is nothing; from the second on it is asked less and less often, up to once a minute.
    const until = now + Math.min(minute, 1_000 * 2 ** (times - 2))
    return {
      ...account,
      unanswered: times,
      ...(times > 1 ? { hold: { until, why: 'away' } } : {}),
    }
  }
  const { hold: _, unanswered: __, ...rest } = account
  const window = newer(account.window, news.window)
  return {
    ...rest,
    ...(window ? { window } : {}),
    // An answer to what was sent before the forge had enough.
    ...(held?.why === 'limited' ? { hold: held } : {}),
  }
}

/** Answers overtake each other: of one window the one with less left is the newer. */
function newer(known: Window | undefined, said: Window | undefined): Window | undefined {
  if (!known || !said) return said ?? known
  // The end of one window is told to the second.
  if (Math.abs(known.endsAt - said.endsAt) < 2_000) {
    return known.remaining < said.remaining ? known : said
  }
  return known.endsAt > said.endsAt ? known : said
}

type Created = NonNullable<Account['created']>

/** Of a minute's and an hour's limit, how much runs out of its bucket in that time. */
const leak = { minute: 3 / 8, hour: 4 / 5 }

function leaked(created: Created | undefined, pace: Pace | undefined, now: number): Created {
  if (!created || !pace) return { minute: 0, hour: 0, at: now }
  const passed = Math.max(now - created.at, 0)
  return {
    minute: Math.max(created.minute - (passed / minute) * leak.minute * pace.perMinute, 0),
    hour: Math.max(created.hour - (passed / hour) * leak.hour * pace.perHour, 0),
    at: now,
  }
}

/**
 * How long until there is room. What a bucket holds and what leaks in its time are together its limit, so no minute and
 * no hour has more. Pending statuses fill a part of the minute's, and never leave the hour's; an end heeds the minute
 * alone, as nobody but the forge shall keep it back for longer.
 */
function paceMs(created: Created, need: Need, { perMinute, perHour }: Pace): number {
  const most = (need === 'pending' ? 3 / 8 : 5 / 8) * perMinute
  const forMinute = ((created.minute + 1 - most) / (leak.minute * perMinute)) * minute
  const mostOfHour = (1 - leak.hour) * perHour
  const forHour = ((created.hour + 1 - mostOfHour) / (leak.hour * perHour)) * hour
  return Math.ceil(Math.max(forMinute, need === 'pending' ? forHour : 0, 0))
}

/** Nobody is asked to wait for longer at once: a hold may end early, as with another token. */
const longestMs = 5 * minute

/**
 * When to ask again, in milliseconds: after the wait, those that can wait later, and not all at once. `random`: from 0 to 1.
 */
export function askAgainMs(waitMs: number, need: Need, random: number): number {
  const spread = Math.min(Math.max(waitMs / 10, 1_000), 30_000)
  const late = need === 'pending' ? 1 + random : random / 2
  return Math.round(Math.min(waitMs, longestMs) + late * spread)
}
