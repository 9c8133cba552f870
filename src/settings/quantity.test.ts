import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseQuantity, quantityFault } from './quantity.ts'

for (const [text, value] of [
  ['1', 1],
  ['0.5', 0.5],
  ['.5', 0.5],
  ['500m', 0.5],
  ['2Gi', 2 * 1024 ** 3],
  ['2G', 2e9],
  ['1e3', 1000],
  ['1E', 1e18],
  ['1Ei', 1024 ** 6],
] as const) {
  test(`the quantity ${text} is ${value}`, () => assert.equal(parseQuantity(text), value))
}

for (const text of ['', 'x', '-1', '2GB', '2gi', '1 Gi', '5x', 'Gi', '1Ki5', 'Infinity']) {
  test(`${JSON.stringify(text)} is no quantity`, () => {
    assert.equal(parseQuantity(text), undefined)
    assert.match(quantityFault('memory', text) ?? '', /not a quantity/)
  })
}

test('512m of memory is a slip for 512Mi, and of a processor half of one', () => {
  assert.match(quantityFault('memory', '512m') ?? '', /512Mi/)
  assert.equal(quantityFault('cpu', '512m'), undefined)
})

test('a bound of nothing is refused', () => {
  assert.match(quantityFault('cpu', '0') ?? '', /nothing/)
})
