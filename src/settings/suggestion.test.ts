import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closest } from './suggestion.ts'

const keys = ['match', 'branches', 'tags', 'images', 'pushSecret']

for (const [typed, meant] of [
  ['brnaches', 'branches'],
  ['branch', 'branches'],
  ['Images', 'images'],
  ['pushsecret', 'pushSecret'],
  ['tag', 'tags'],
  ['mathc', 'match'],
] as const) {
  test(`${typed} was meant to be ${meant}`, () => {
    assert.equal(closest(typed, keys), meant)
  })
}

test('a word that is near to nothing gets no suggestion', () => {
  for (const typed of ['', 'abc', 'destination', 'xyzzy'])
    assert.equal(closest(typed, keys), undefined)
})
