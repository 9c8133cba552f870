import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLine } from '../../src/builds/ports.ts'
import { createLogStore } from '../../src/queue/log-store.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()

const line = (n: number): LogLine => ({
  container: 'build',
  time: `2026-01-31T12:00:0${n}Z`,
  text: `line ${n}`,
})

/** What is kept of ten lines, of which the bound leaves no more than a few. */
async function tenLines(): Promise<
  (from?: number) => Promise<{ lines: string[]; dropped: number }>
> {
  const size = JSON.stringify(['build', line(0).time, line(0).text]).length
  const store = createLogStore({ redis: redis.client, retentionMs: 60_000, maxBytes: size * 4 })
  for (let n = 0; n < 10; n++) await store.append('b', [line(n)])
  return async (from) => {
    const { lines, dropped } = await store.read('b', from)
    return { lines: lines.map(({ text }) => text), dropped }
  }
}

test('the oldest lines of a log go first, and their number is told', async () => {
  const read = await tenLines()
  assert.deepEqual(await read(), { lines: [6, 7, 8, 9].map((n) => `line ${n}`), dropped: 6 })
})

test('an index is that of its line, whatever went before it', async () => {
  const read = await tenLines()
  assert.deepEqual((await read(3)).lines[0], 'line 6')
  assert.deepEqual((await read(8)).lines, ['line 8', 'line 9'])
  assert.deepEqual((await read(10)).lines, [])
  assert.deepEqual((await read(99)).lines, [])
})
