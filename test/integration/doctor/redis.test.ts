import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import type { CheckResult } from '../../../src/doctor/finding.ts'
import { redisCheck } from '../../../src/doctor/redis.ts'
import { freePort } from '../../support/free-port.ts'
import { startRedis, useRedis } from '../../support/redis.ts'

/** What is found out about a real Redis. */

const password = 'canary-password-77ab'

async function look(
  url: string,
  isPrivate?: boolean,
): Promise<{ lines: string[]; result: CheckResult }> {
  const result = await redisCheck(url, isPrivate).run()
  assert(!JSON.stringify(result).includes(password), 'the password is shown')
  const lines = result.findings.map(
    ({ severity, message, fix = '' }) => `${severity}: ${message} → ${fix}`,
  )
  return { lines, result }
}

describe('a Redis', () => {
  const redis = useRedis()
  /** Settings that a test changed, as they were. */
  const before: [string, string][] = []
  const set = async (name: string, value: string): Promise<void> => {
    const [, old = ''] = await redis.client.config('GET', name)
    before.push([name, old])
    await redis.client.config('SET', name, value)
  }
  afterEach(async () => {
    await redis.client.replicaof('NO', 'ONE')
    for (const [name, old] of before.splice(0)) await redis.client.config('SET', name, old)
    await redis.client.call('ACL', 'DELUSER', 'limited', 'silent')
  })
  const as = (user: string, secret = password): string =>
    redis.server.url.replace('//', `//${user}:${secret}@`)

  it('that is right is one line with its version, and its clock is read', async () => {
    await set('appendonly', 'yes')
    const { lines, result } = await look(redis.server.url)
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', /^ok: \d+\.\d+\.\d+, primary, noeviction, appendonly everysec/)
    const [clock] = result.clocks ?? []
    assert(clock && Math.abs(clock.offsetMs) < 1_000, JSON.stringify(clock))
  })

  it('that evicts keys, that stores nothing, and that is a replica is named as such', async () => {
    await set('maxmemory-policy', 'allkeys-lru')
    assert.match((await look(redis.server.url)).lines.join('\n'), /^error: .*allkeys-lru/m)
    assert.match(
      (await look(redis.server.url)).lines.join('\n'),
      /^warning: stores nothing on disk/m,
    )
    await redis.client.replicaof('127.0.0.1', 1)
    assert.match((await look(redis.server.url)).lines.join('\n'), /^error: is a replica/m)
  })

  it('that refuses CONFIG, as managed ones do, is looked at by INFO', async () => {
    await set('appendonly', 'yes')
    await redis.client.call(
      ...([
        'ACL',
        'SETUSER',
        'limited',
        'on',
        `>${password}`,
        '~*',
        '&*',
        '+@all',
        '-config',
      ] as const),
    )
    const { lines } = await look(as('limited'))
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', /^ok: .*noeviction, appendonly \(how often .* not visible\)/)
  })

  it('that refuses the login, or wants one, says what to set', async () => {
    await redis.client.call('ACL', 'SETUSER', 'limited', 'on', '>right', '~*', '+@all')
    const { lines } = await look(as('limited'))
    assert.deepEqual(lines, [
      'error: refuses the login → mend the user or the password in REDIS_URL',
    ])
    await redis.client.call('ACL', 'SETUSER', 'limited', '-info', `>${password}`)
    assert.match(
      (await look(as('limited'))).lines[0] ?? '',
      /^error: does not let this user ask INFO/,
    )
  })
})

it('a Redis that wants a password says where to put it', async () => {
  const server = await startRedis(['--requirepass', password])
  try {
    const { lines } = await look(server.url)
    assert.match(lines[0] ?? '', /^error: wants a password → put it into REDIS_URL/)
    const known = await look(server.url.replace('//', `//:${password}@`))
    assert.match(known.lines[0] ?? '', /^ok: /)
  } finally {
    await server.stop()
  }
})

it('a Redis that answers anyone is a warning, unless only this machine reaches it', async () => {
  const server = await startRedis(['--appendonly', 'yes'])
  const redis = new Redis(server.url)
  const complaints = async (login: string, isPrivate?: boolean): Promise<string[]> =>
    (await look(server.url.replace('//', `//${login}`), isPrivate)).lines.slice(1)
  try {
    await redis.call('ACL', 'SETUSER', 'kanihook', 'on', `>${password}`, '~*', '&*', '+@all')
    for (const login of ['', `kanihook:${password}@`]) {
      assert.match(
        (await complaints(login, false)).join(),
        /^warning: answers without a login: .*→ /,
      )
      assert.deepEqual(await complaints(login), [])
    }
    await redis.call('ACL', 'SETUSER', 'default', 'off')
    assert.deepEqual(await complaints(`kanihook:${password}@`, false), [])
    assert.match((await look(server.url, false)).lines.join(), /^error: wants a password → [^\n]*$/)
  } finally {
    redis.disconnect()
    await server.stop()
  }
})

it('a Sentinel is named as one, and not as something that is away', async () => {
  const server = await startRedis([], { sentinel: true })
  try {
    assert.deepEqual((await look(server.url)).lines, [
      'error: is a Sentinel, which stores nothing → set REDIS_URL to the primary itself',
    ])
  } finally {
    await server.stop()
  }
})

it('a Redis that refuses a question otherwise is quoted, without what was sent to it', async () => {
  const server = await startRedis(['--rename-command', 'TIME', ''])
  try {
    const { lines } = await look(server.url)
    assert.match(lines[0] ?? '', /^error: answers: ERR unknown command 'time' → /)
  } finally {
    await server.stop()
  }
})

it('a Redis that is away is one error, at once', async () => {
  const { lines } = await look(`redis://:${password}@127.0.0.1:${await freePort()}`)
  assert.deepEqual(lines, [
    'error: cannot be reached: ECONNREFUSED → start it, or set REDIS_URL to where it listens',
  ])
})
