import { Redis, type RedisOptions } from 'ioredis'
import { failureReason, isCertificateFault } from '../http/failure-reason.ts'
import { prefix } from '../queue/redis.ts'
import { failure, type Remark } from '../remark.ts'
import type { Check } from './checks.ts'
import { about, type CheckResult } from './finding.ts'
import { isLoopbackUrl } from './public-url.ts'
import { isSentinel, readInfo, redisRemarks } from './redis-state.ts'

const answerMs = 4_000

const connection = {
  lazyConnect: true,
  connectTimeout: answerMs,
  commandTimeout: answerMs,
  maxRetriesPerRequest: 0,
  enableReadyCheck: false,
  // One try: what is wrong is to be told, not waited for.
  retryStrategy: () => null,
} satisfies RedisOptions

/**
 * Whether Redis keeps what is given to it, and from others: version, role, memory policy, persistence, login.
 * `isPrivate`: whether nobody but this machine reaches it.
 */
export function redisCheck(url: string, isPrivate = isLoopbackUrl(url)): Check {
  const { hostname, port } = new URL(url)
  const subject = `${hostname}:${port || 6379}`
  return { area: 'redis', subject, run: () => examine(url, subject, isPrivate) }
}

async function examine(url: string, subject: string, isPrivate: boolean): Promise<CheckResult> {
  const say = about('redis', subject)
  const redis = new Redis(url, connection)
  let lost: Error | undefined
  redis.on('error', (error: Error) => (lost ??= error))
  try {
    await redis.connect()
    const info = readInfo(await redis.info())
    const state = {
      info,
      appendfsync: await setting(redis, 'appendfsync'),
      save: await setting(redis, 'save'),
      open: !isPrivate && (await answersAnyone(url)),
    }
    // It knows no other command.
    if (isSentinel(info)) return { findings: say(...redisRemarks(state, Date.now())) }
    const asked = Date.now()
    const time = await redis.time()
    const took = Date.now() - asked
    const [seconds = 0, microseconds = 0] = time.map(Number)
    const offsetMs = seconds * 1000 + microseconds / 1000 - (asked + took / 2)
    return {
      findings: say(...redisRemarks(state, Date.now())),
      clocks: [{ of: 'Redis', offsetMs }],
    }
  } catch (error) {
    return { findings: say(unreached(lost ?? error, new URL(url).protocol)) }
  } finally {
    // On a connection that never was, it would hold the process for two seconds.
    if (redis.status !== 'end') redis.disconnect()
  }
}

/** A setting, or undefined where this Redis (a managed one, as a rule) does not let it be read. */
async function setting(redis: Redis, name: string): Promise<string | undefined> {
  const answer = (await redis.config('GET', name).catch(() => [])) as string[]
  return answer[1]
}

/**
 * Whether the keys of kanihook are open to whoever has no login: a login in REDIS_URL does not mean that one is
 * wanted.
 */
async function answersAnyone(url: string): Promise<boolean> {
  const { protocol, host } = new URL(url)
  const redis = new Redis(`${protocol}//${host}`, connection)
  redis.on('error', () => undefined)
  try {
    await redis.exists(prefix)
    return true
  } catch {
    return false
  } finally {
    if (redis.status !== 'end') redis.disconnect()
  }
}

function unreached(error: unknown, protocol: string): Remark {
  const said = error instanceof Error ? error.message : ''
  const code = /^[A-Z]+\b/.exec(said)?.[0]
  switch (code) {
    case 'WRONGPASS':
      return failure('refuses the login', 'mend the user or the password in REDIS_URL')
    case 'NOAUTH':
      return failure(
        'wants a password',
        'put it into REDIS_URL: redis://default:<password>@host:port',
      )
    case 'NOPERM':
      return failure(
        'does not let this user ask INFO and TIME',
        'give the user of REDIS_URL the ACL ~{kanihook}* &{kanihook}* +@all -@dangerous +info',
      )
    case 'LOADING':
      return failure('is still reading its data from the disk', 'ask again when it is done')
    default: {
      if (error instanceof Error && error.name === 'ReplyError') {
        return failure(`answers: ${quoted(said)}`, 'mend what it names, in its settings or its ACL')
      }
      const reason = failureReason(error)
      return failure(`cannot be reached: ${reason}`, hintFor(reason, protocol))
    }
  }
}

/** Without what was sent, which may be the login, and in one short line. */
const quoted = (said: string): string =>
  said
    .replace(/,? with args beginning with:.*/s, '')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 200)

function hintFor(reason: string, protocol: string): string {
  if (reason === 'ENOTFOUND') return 'mend the host in REDIS_URL'
  if (isCertificateFault(reason)) {
    return 'name the file of the authority that signed its certificate in NODE_EXTRA_CA_CERTS'
  }
  if (protocol === 'rediss:' && reason !== 'ECONNREFUSED') {
    return 'say redis:// in REDIS_URL if it does not speak TLS, else let this machine reach it'
  }
  return reason === 'ECONNRESET'
    ? 'say rediss:// in REDIS_URL if it speaks TLS'
    : 'start it, or set REDIS_URL to where it listens'
}
