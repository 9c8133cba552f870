import { fine, failure, warning, type Remark } from '../remark.ts'

/** What Redis says of itself. */
export interface RedisState {
  /** The fields of `INFO`. */
  readonly info: ReadonlyMap<string, string>
  /** Settings, where they may be read. */
  readonly appendfsync: string | undefined
  readonly save: string | undefined
  /** It answers whoever reaches it, at an address that others may reach. */
  readonly open: boolean
}

/** The fields of INFO's answer: lines `name:value`, with `# Section` lines between. */
export function readInfo(text: string): ReadonlyMap<string, string> {
  const fields = text.split(/\r?\n/).flatMap((line) => {
    const cut = line.indexOf(':')
    return cut < 1 ? [] : [[line.slice(0, cut), line.slice(cut + 1)] as const]
  })
  return new Map(fields)
}

const oldestMajor = 7

/**
 * What is to be said about a Redis: first what is fine, in one sentence, then what is not. Pure.
 * `now`: milliseconds since the epoch.
 */
export function redisRemarks(state: RedisState, now: number): Remark[] {
  if (isSentinel(state.info)) {
    return [failure('is a Sentinel, which stores nothing', 'set REDIS_URL to the primary itself')]
  }
  const parts = [
    version(state),
    role(state),
    eviction(state),
    persistence(state, now),
    memory(state),
    ...lastWrites(state),
    ...exposure(state),
  ]
  const right = parts.filter((part) => typeof part === 'string')
  return [fine(right.join(', ')), ...parts.filter((part) => typeof part !== 'string')]
}

/** A Sentinel has nothing of what is asked of a Redis. */
export const isSentinel = (info: RedisState['info']): boolean =>
  info.get('redis_mode') === 'sentinel'

/** What is fine, in a few words, or what is not. */
type Part = string | Remark

function version({ info }: RedisState): Part {
  const valkey = info.get('valkey_version')
  if (valkey !== undefined) return `Valkey ${valkey}`
  const redis = info.get('redis_version') ?? 'of an unknown version'
  if (Number.parseInt(redis, 10) >= oldestMajor) return redis
  return failure(`is ${redis}`, 'kanihook needs Redis 7 or newer, or Valkey')
}

function role({ info }: RedisState): Part {
  if (info.get('role') === 'slave') {
    return failure('is a replica, which takes no writes', 'set REDIS_URL to the primary')
  }
  if (info.get('redis_mode') === 'cluster') {
    return warning(
      'is a node of a Redis Cluster, which this version does not follow to other nodes',
      'use a single primary',
    )
  }
  return 'primary'
}

function eviction({ info }: RedisState): Part {
  const policy = info.get('maxmemory_policy') ?? 'unknown'
  if (policy === 'noeviction') return policy
  return failure(
    `maxmemory-policy is ${policy}: when memory is short, accepted pushes would be thrown away`,
    'set maxmemory-policy noeviction (redis.conf, or the parameter group of a managed Redis)',
  )
}

/** What a 202 is worth. */
function persistence({ info, appendfsync, save }: RedisState, now: number): Part {
  if (info.get('aof_enabled') === '1') {
    if (appendfsync === 'always') return 'appendonly always (an accepted push survives a crash)'
    if (appendfsync !== 'no') {
      return `appendonly ${appendfsync ?? '(how often it is synced is not visible)'} (a crash costs about a second of accepted pushes)`
    }
    return warning(
      'appendfsync is no: a crash costs the accepted pushes of half a minute',
      'set appendfsync everysec',
    )
  }
  const cure = 'set appendonly yes and appendfsync everysec'
  if (save === '') {
    return warning('stores nothing on disk: a restart costs every accepted push', cure)
  }
  const age = now - Number(info.get('rdb_last_save_time') ?? 0) * 1000
  const last = save === undefined ? '' : `, made ${minutes(age)} ago`
  return warning(
    `appendonly is off: a crash costs every accepted push since the last snapshot${last}`,
    cure,
  )
}

function memory({ info }: RedisState): Part {
  const [used, most] = ['used_memory', 'maxmemory'].map((name) => Number(info.get(name) ?? 0))
  if (used === undefined || !most) return `${mebibytes(used ?? 0)} used, no maxmemory`
  const facts = `${mebibytes(used)} of ${mebibytes(most)} used`
  const cure = 'raise maxmemory, or shorten LOG_RETENTION and BUILD_RETENTION'
  if (used > most * 0.98) return failure(`${facts}: pushes are refused when it is full`, cure)
  return used > most * 0.8 ? warning(facts, cure) : facts
}

/** While a write to the disk fails, Redis refuses every write. */
function lastWrites({ info }: RedisState): Remark[] {
  const failed = (field: string): boolean => !['ok', undefined].includes(info.get(field))
  const cure = 'look at its log and at the space on its disk'
  return [
    ...(failed('rdb_last_bgsave_status')
      ? [failure('could not write its last snapshot', cure)]
      : []),
    ...(failed('aof_last_write_status')
      ? [failure('could not write to its append-only file', cure)]
      : []),
  ]
}

/** The RUN steps of a build may reach what no NetworkPolicy forbids. */
const exposure = ({ open }: RedisState): Remark[] =>
  open
    ? [
        warning(
          'answers without a login: anyone who reaches it, a RUN step too, can rewrite what is built',
          'set requirepass, or an ACL user and the default one off, say so in REDIS_URL, and keep others away by a NetworkPolicy',
        ),
      ]
    : []

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

function minutes(ms: number): string {
  const whole = Math.max(1, Math.round(ms / 60_000))
  return whole < 120 ? `${whole} min` : `${Math.round(whole / 60)} h`
}
