import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RefRecord } from '../builds/ports.ts'
import { changedRefs, movedRefs, nextLook, type Look, type Sighting } from './moved-refs.ts'

const main = 'refs/heads/main'
const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string]
const unseen: RefRecord = { generation: 0, head: undefined, baseline: false }
const graceMs = 100

/** Refs of a repository, each with its commit. */
const at = (refs: Readonly<Record<string, string>>): Look['heads'] =>
  new Map(Object.entries(refs).map(([ref, commit]) => [ref, { commit, object: commit }]))

const recorded = (head: string | undefined, baseline = false): RefRecord => ({
  generation: 1,
  head,
  baseline,
})

interface Given {
  readonly refs: Readonly<Record<string, string>>
  readonly records?: Readonly<Record<string, RefRecord>>
  readonly before?: Sighting | undefined
  readonly now?: number
  readonly wanted?: (ref: string) => boolean
  readonly queued?: readonly string[]
  readonly most?: number
}

const look = ({ refs, records = {}, before, now = 0, wanted, queued = [], most = 50 }: Given) =>
  movedRefs({
    heads: at(refs),
    before,
    record: (ref) => records[ref] ?? unseen,
    isWanted: wanted ?? (() => true),
    isQueued: (ref) => queued.includes(ref),
    now,
    graceMs,
    most,
  })

/** What was there at the first look. */
const first = (refs: Readonly<Record<string, string>>): Sighting => look({ refs }).after

describe('the sweep finds', () => {
  it('nothing of what was there at its first look', () => {
    const { found, after } = look({ refs: { [main]: a, 'refs/tags/v1': b } })
    assert.deepEqual(found, [])
    assert.equal(nextLook(after, graceMs), undefined)
    assert.deepEqual(look({ refs: { [main]: a, 'refs/tags/v1': b }, before: after, now: 900 }), {
      found: [],
      after,
    })
  })

  it('a ref that moved since it was recorded, at the first look too, when its delivery has had its time', () => {
    const given = { refs: { [main]: b }, records: { [main]: recorded(a) } }
    const seen = look({ ...given, now: 1000 })
    assert.deepEqual(seen.found, [])
    assert.equal(nextLook(seen.after, graceMs), 1100)
    assert.deepEqual(look({ ...given, before: seen.after, now: 1099 }).found, [])
    const later = look({ ...given, before: seen.after, now: 1100 })
    assert.deepEqual(later.found, [main])
    // What was found once is not found again, whatever became of it.
    assert.deepEqual(look({ ...given, before: later.after, now: 9999 }).found, [])
  })

  it('nothing where the delivery came in that time', () => {
    const seen = look({ refs: { [main]: b }, records: { [main]: recorded(a) } })
    const records = { [main]: recorded(b) }
    const later = look({ refs: { [main]: b }, records, before: seen.after, now: 500 })
    assert.deepEqual(later.found, [])
    assert.equal(nextLook(later.after, graceMs), undefined)
  })

  it('branches and tags that are new since the look before', () => {
    const refs = { [main]: a, 'refs/heads/new': b, 'refs/tags/v2': c }
    const seen = look({ refs, before: first({ [main]: a }) })
    const { found } = look({ refs, before: seen.after, now: 100 })
    assert.deepEqual(found, ['refs/heads/new', 'refs/tags/v2'])
  })

  it('a ref that goes on moving without a delivery, after three times the grace', () => {
    const records = { [main]: recorded(a) }
    let before = first({ [main]: a })
    for (const [now, commit] of [
      [0, b],
      [99, c],
      [198, b],
    ] as const) {
      const seen = look({ refs: { [main]: commit }, records, before, now })
      assert.deepEqual(seen.found, [], `at ${now}`)
      before = seen.after
    }
    assert.deepEqual(look({ refs: { [main]: c }, records, before, now: 300 }).found, [main])
  })

  it('nothing while a delivery about the ref waits for its plan', () => {
    const given = { refs: { [main]: b }, records: { [main]: recorded(a) } }
    const seen = look(given)
    const waits = look({ ...given, before: seen.after, now: 500, queued: [main] })
    assert.deepEqual(waits.found, [])
    assert.deepEqual(look({ ...given, before: waits.after, now: 599 }).found, [])
    assert.deepEqual(look({ ...given, before: waits.after, now: 600 }).found, [main])
  })

  it('nothing of refs that are not wanted, and nothing old when they begin to be', () => {
    const wanted = (ref: string): boolean => ref === main
    const refs = { [main]: a, 'refs/heads/dev': b }
    let { after } = look({ refs, before: first({ [main]: a }), wanted })
    for (const now of [0, 500]) {
      const seen = look({ refs, before: after, now })
      assert.deepEqual(seen.found, [])
      after = seen.after
    }
  })

  it('a ref that is gone where it had been built, and forgets the others', () => {
    const records = { [main]: recorded(a) }
    const seen = look({ refs: {}, records, before: first({ [main]: a, 'refs/heads/x': b }) })
    const later = look({ refs: {}, records, before: seen.after, now: 100 })
    assert.deepEqual(later.found, [main])
    assert.deepEqual(later.after, { settled: {}, awaited: {} })
  })

  it('a head that was recorded and not built, where the look before had another one', () => {
    const given = { refs: { [main]: b }, records: { [main]: recorded(b, true) } }
    assert.deepEqual(look({ ...given, now: 500 }).after, first({ [main]: b }))
    const seen = look({ ...given, before: first({ [main]: a }) })
    assert.deepEqual(look({ ...given, before: seen.after, now: 100 }).found, [main])
  })

  it('no more than so many at once, and the others with the next look', () => {
    const refs = { 'refs/tags/v1': a, 'refs/tags/v2': b, 'refs/tags/v3': c }
    const seen = look({ refs, before: first({}) })
    const some = look({ refs, before: seen.after, now: 100, most: 2 })
    assert.deepEqual(some.found, ['refs/tags/v1', 'refs/tags/v2'])
    assert.equal(nextLook(some.after, graceMs), 100)
    assert.deepEqual(look({ refs, before: some.after, now: 101 }).found, ['refs/tags/v3'])
  })
})

it('only of refs that may have moved a record is needed', () => {
  const before = first({ [main]: a, 'refs/heads/gone': a, 'refs/heads/same': a })
  const heads = at({ [main]: b, 'refs/heads/same': a, 'refs/tags/v1': a })
  assert.deepEqual(changedRefs({ heads, before }), [main, 'refs/tags/v1', 'refs/heads/gone'])
})
