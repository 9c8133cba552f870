import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hasStopped, owedAfter, type Owed, type Sight } from './consumption.ts'

const patienceMs = 60_000
const gapMs = 15_000
const lookMs = 5_000

/** A worker with a free slot that has begun three jobs, beside one that waits. */
const waits: Omit<Sight, 'at'> = { next: 'a:0', abandoned: undefined, free: true, started: 3 }

/** Whether a worker counts as stopped after looks that are `lookMs` apart; undefined: a look that failed. */
function judged(looks: readonly (Omit<Sight, 'at'> | undefined)[], times?: readonly number[]) {
  const owed = looks.reduce<Owed | undefined>((before, look, index) => {
    const at = times?.[index] ?? index * lookMs
    return owedAfter(before, look && { ...look, at }, gapMs)
  }, undefined)
  return hasStopped(owed, patienceMs)
}
/** Looks over a little more than the patience, all but some the same. */
const minute = (
  look: Omit<Sight, 'at'>,
  others: Record<number, Partial<Sight> | undefined> = {},
): (Omit<Sight, 'at'> | undefined)[] =>
  Array.from({ length: 13 }, (_, index) =>
    index in others ? others[index] && { ...look, ...others[index] } : look,
  )

describe('a worker has stopped', () => {
  test('when one job was next in line for a minute and it began none', () => {
    assert.equal(judged(minute(waits)), true)
  })
  test('but not before the minute is over', () => {
    assert.equal(judged(minute(waits).slice(1)), false)
  })
  test('when nobody takes over an abandoned job, even if it is busy or takes others', () => {
    const busy = { ...waits, next: undefined, abandoned: 'b:1', free: false }
    assert.equal(judged(minute(busy, { 6: { started: 4 } })), true)
  })
  test('until it begins a job again', () => {
    assert.equal(judged([...minute(waits), { ...waits, started: 4 }]), false)
  })
})

describe('a worker has not stopped', () => {
  test('when there is nothing that it could take', () => {
    assert.equal(judged(minute({ ...waits, next: undefined })), false)
  })
  test('when all its slots are busy, be it at one look only', () => {
    assert.equal(judged(minute({ ...waits, free: false })), false)
    assert.equal(judged(minute(waits, { 6: { free: false } })), false)
  })
  test('when it began another job meanwhile', () => {
    const looks = minute(waits).map(
      (look, index) => look && { ...look, started: index < 6 ? 3 : 4 },
    )
    assert.equal(judged(looks), false)
  })
  test('when others take the jobs, one after the other', () => {
    const looks = minute(waits).map((look, index) => look && { ...look, next: `job-${index}:0` })
    assert.equal(judged(looks), false)
  })
  test('when another began the job and put it back', () => {
    const looks = minute(waits).map((look, index) => look && { ...look, next: `a:${index}` })
    assert.equal(judged(looks), false)
  })
  test('when Redis was away in between', () => {
    assert.equal(judged(minute(waits, { 6: undefined })), false)
    assert.equal(judged([...minute(waits), undefined]), false)
  })
  test('when the whole process was held up', () => {
    const held = [0, lookMs, 600_000]
    assert.equal(judged([waits, waits, waits], held), false)
  })
})
