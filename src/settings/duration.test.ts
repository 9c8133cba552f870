import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from './duration.ts'

test('a duration is a whole number and a unit', () => {
  assert.equal(parseDuration('25s'), 25_000)
  assert.equal(parseDuration('30m'), 1_800_000)
  assert.equal(parseDuration('168h'), 604_800_000)
  assert.equal(parseDuration('1d'), 86_400_000)
  assert.equal(parseDuration('0s'), 0)
})

for (const text of [
  '',
  '30',
  'm',
  '1.5h',
  '-1s',
  '1w',
  '1H',
  '1h30m',
  ' 1h',
  '1h\n',
  '1e3s',
  '９s',
  '3651d',
]) {
  test(`${JSON.stringify(text)} is no duration`, () => {
    assert.equal(parseDuration(text), undefined)
  })
}

test('a duration is written with the largest unit that fits', () => {
  for (const text of ['0s', '25s', '30m', '23h', '7d']) {
    assert.equal(formatDuration(parseDuration(text)!), text)
  }
})
