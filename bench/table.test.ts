import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentRange, range, table } from './table.ts'

test('names stand to the left and numbers to the right, under one rule', () => {
  assert.equal(
    table(
      ['what', 'ms'],
      [
        ['a', '5'],
        ['longer name', '1000'],
      ],
    ),
    ['what           ms', '───────────  ────', 'a               5', 'longer name  1000'].join('\n'),
  )
})

test('a summary reads as median and range', () => {
  const summary = { median: 0.619, min: 0.6, max: 0.7, count: 3 }
  assert.equal(range(summary, 1), '0.6 (0.6–0.7)')
  assert.equal(percentRange(summary), '62 % (60–70)')
})
