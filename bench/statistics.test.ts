import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, quantile, ratios, summarise } from './statistics.ts'

test('the median of an even number of rounds lies between the middle two, in any order', () => {
  assert.deepEqual(summarise([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4, count: 4 })
  assert.deepEqual(summarise([7]), { median: 7, min: 7, max: 7, count: 1 })
})

test('a benchmark without a measurement fails instead of telling NaN', () => {
  assert.throws(() => summarise([]), RangeError)
  assert.throws(() => ratios([1, 2], [1]), RangeError)
})

test('a quantile between two values is their weighted mean', () => {
  assert.equal(quantile([0, 10], 0.99), 9.9)
  assert.equal(quantile([1, 2, 3], 1), 3)
})

test('rounds are compared with the baseline of the same round, not with its median', () => {
  // Everything was half as fast in the second round; the ratio does not notice.
  assert.deepEqual(ratios([60, 30], [100, 50]), { median: 0.6, min: 0.6, max: 0.6, count: 2 })
  assert.deepEqual(differences([5, 9], [3, 8]), { median: 1.5, min: 1, max: 2, count: 2 })
})
