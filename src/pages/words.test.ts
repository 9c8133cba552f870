import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shortDuration } from './words.ts'

describe('a duration', () => {
  it('is as exact as it is short', () => {
    const examples: Readonly<Record<number, string>> = {
      [-5]: '0ms',
      0: '0ms',
      840: '840ms',
      4_240: '4.2s',
      9_960: '10s',
      42_000: '42s',
      59_600: '1m 00s',
      63_000: '1m 03s',
      3_600_000: '1h 00m',
      3_900_000: '1h 05m',
    }
    for (const [ms, text] of Object.entries(examples)) assert.equal(shortDuration(Number(ms)), text)
  })
})
