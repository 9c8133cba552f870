import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readInfo, redisRemarks, type RedisState } from './redis-state.ts'

const good = {
  redis_version: '7.2.5',
  redis_mode: 'standalone',
  role: 'master',
  maxmemory_policy: 'noeviction',
  aof_enabled: '1',
  used_memory: '1000000',
  maxmemory: '0',
  rdb_last_bgsave_status: 'ok',
  aof_last_write_status: 'ok',
}

const now = 1_700_000_000_000

function say(
  info: Readonly<Record<string, string>> = {},
  settings: Partial<RedisState> = {},
): string[] {
  const state = {
    info: new Map(Object.entries({ ...good, ...info })),
    save: '',
    open: false,
    ...settings,
  }
  const remarks = redisRemarks({ appendfsync: 'everysec', ...state }, now)
  return remarks.map(({ severity, message }) => `${severity}: ${message}`)
}

describe('Redis', () => {
  it('that is right is one line that says what a 202 is worth', () => {
    assert.deepEqual(say(), [
      'ok: 7.2.5, primary, noeviction, appendonly everysec (a crash costs about a second of accepted pushes), 1 MiB used, no maxmemory',
    ])
    assert.match(say({}, { appendfsync: 'always' })[0] ?? '', /an accepted push survives a crash/)
  })

  it('of version 6 is an error; Valkey goes by its own version', () => {
    assert.equal(say({ redis_version: '6.2.14' })[1], 'error: is 6.2.14')
    assert.match(
      say({ redis_version: '7.2.4', valkey_version: '8.1.0' })[0] ?? '',
      /Valkey 8\.1\.0/,
    )
  })

  it('that evicts keys is an error', () => {
    assert.match(say({ maxmemory_policy: 'allkeys-lru' })[1] ?? '', /^error: .*is allkeys-lru/)
  })

  it('that is a replica, a Sentinel or a cluster node is named as one', () => {
    assert.match(say({ role: 'slave' })[1] ?? '', /^error: is a replica/)
    assert.deepEqual(say({ redis_mode: 'sentinel' }), [
      'error: is a Sentinel, which stores nothing',
    ])
    assert.match(say({ redis_mode: 'cluster' })[1] ?? '', /^warning: is a node of a Redis Cluster/)
  })

  it('without an append-only file is a warning that says what is lost', () => {
    const off = { aof_enabled: '0' }
    assert.match(say(off)[1] ?? '', /^warning: stores nothing on disk/)
    const last = { ...off, rdb_last_save_time: String(now / 1000 - 600) }
    assert.match(
      say(last, { save: '3600 1' })[1] ?? '',
      /^warning: .*last snapshot, made 10 min ago/,
    )
    assert.match(say({}, { appendfsync: 'no' })[1] ?? '', /^warning: appendfsync is no/)
  })

  it('that does not show its settings is not accused', () => {
    const hidden = { appendfsync: undefined, save: undefined }
    assert.equal(say({}, hidden).length, 1)
    assert.match(say({ aof_enabled: '0' }, hidden)[1] ?? '', /^warning: appendonly is off/)
  })

  it('that is nearly full is a warning, and one that is full an error', () => {
    const used = (share: number): string | undefined =>
      say({ used_memory: String(share * 1e8), maxmemory: '100000000' })[1]
    assert.equal(used(0.5), undefined)
    assert.match(used(0.85) ?? '', /^warning: 82 MiB of 96 MiB used/)
    assert.match(used(0.99) ?? '', /^error: /)
  })

  it('that answers anyone is a warning that says what to set', () => {
    assert.match(say({}, { open: true })[1] ?? '', /^warning: answers without a login: anyone/)
  })

  it('that cannot write to its disk is an error', () => {
    assert.match(
      say({ rdb_last_bgsave_status: 'err' })[1] ?? '',
      /^error: could not write its last/,
    )
    assert.match(say({ aof_last_write_status: 'err' })[1] ?? '', /^error: could not write to its/)
  })
})

it('INFO is read line by line, with its sections left out', () => {
  const info = readInfo(
    '# Server\r\nredis_version:7.0.1\r\nos:Linux: x\r\n\r\n# Memory\r\nused:1\r\n',
  )
  assert.deepEqual(
    [...info],
    [
      ['redis_version', '7.0.1'],
      ['os', 'Linux: x'],
      ['used', '1'],
    ],
  )
})
