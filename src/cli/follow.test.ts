import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { sampleBuild } from '../../test/support/api-samples.ts'
import { NoAnswer } from './api/client.ts'
import type { ApiBuild } from './api/answers.ts'
import { CommandFailed } from './command.ts'
import { followBuild } from './follow.ts'

const quick = { timestamps: false, everyMs: 2, quietMs: 60, patienceMs: 60_000 }

describe('following a build', () => {
  let out: string[]
  let err: string[]
  const terminal = {
    print: (text: string) => void out.push(text),
    tell: (text: string) => void err.push(text),
  }
  beforeEach(() => {
    out = []
    err = []
  })

  /** An API of which each look sees the next of these moments, and at last the last one. */
  function scripted(moments: readonly (Partial<ApiBuild> & { lines?: string[] })[]) {
    const texts: string[] = []
    let n = 0
    return {
      async build() {
        const { lines = [], ...change } = moments[Math.min(n, moments.length - 1)] ?? {}
        if (n < moments.length) texts.push(...lines)
        n += 1
        return sampleBuild(change)
      },
      log: async (_: string, from: number) => ({
        lines: texts.slice(from).map((text) => ({ time: '', container: 'build' as const, text })),
        dropped: 0,
        next: texts.length,
      }),
    }
  }

  it('prints each line once, also those that are stored after the end', async () => {
    const api = scripted([
      { state: 'running', lines: ['one'] },
      { state: 'running', lines: ['two', 'three'] },
      { state: 'failed', reason: 'no' },
      { state: 'failed', reason: 'no', lines: ['late'] },
    ])
    assert.equal(await followBuild('a', { ...quick, api, terminal }), 1)
    assert.deepEqual(
      out,
      ['one', 'two', 'three', 'late'].map((text) => `build ${text}`),
    )
    assert.deepEqual(err, ['app of acme/app main at 123456700000: failed: no'])
  })

  it('tells once what is waited for, until it changes', async () => {
    const at = '2026-01-31T12:00:00Z'
    const queued = { state: 'waiting', steps: [{ name: 'queued', at, note: null }] } as const
    const full = {
      state: 'starting',
      steps: [{ name: 'starting', at, note: 'Waiting for capacity: none' }],
    } as const
    const api = scripted([
      queued,
      queued,
      full,
      full,
      { state: 'succeeded' },
    ] as Partial<ApiBuild>[])
    assert.equal(await followBuild('a', { ...quick, api, terminal }), 0)
    assert.deepEqual(
      err.map((line) => line.replace('app of acme/app main at 123456700000: ', '')),
      ['Queued', 'Starting the pod: Waiting for capacity: none', 'succeeded'],
    )
  })

  it('does not wait for the log of a build that never started', async () => {
    const api = scripted([{ state: 'skipped', tries: 0, reason: 'Skipped: no changed file' }])
    const began = performance.now()
    assert.equal(await followBuild('a', { ...quick, quietMs: 60_000, api, terminal }), 0)
    assert.ok(performance.now() - began < 10_000)
  })

  it('goes on when kanihook was away for a moment, and says so once', async () => {
    const { build, log } = scripted([{ state: 'succeeded', lines: ['one'] }])
    let failures = 2
    const api = {
      async build(id: string) {
        if (failures-- > 0) throw new NoAnswer('gone')
        return (build as (id: string) => Promise<ApiBuild>)(id)
      },
      log,
    }
    assert.equal(await followBuild('a', { ...quick, api, terminal }), 0)
    assert.deepEqual([out, err[0], err.length], [['build one'], 'gone; trying again…', 2])
  })

  it('gives up when kanihook stays away, and at once when it refuses', async () => {
    const log = () => Promise.reject(new Error('not asked'))
    const away = { build: () => Promise.reject(new NoAnswer('gone')), log }
    await assert.rejects(
      followBuild('a', { ...quick, patienceMs: 0, api: away, terminal }),
      NoAnswer,
    )
    const refusing = { build: () => Promise.reject(new CommandFailed('no such build')), log }
    await assert.rejects(followBuild('a', { ...quick, api: refusing, terminal }), /no such build/)
  })
})
