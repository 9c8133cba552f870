import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isEqual, isSigned, someSecret } from './constant-time.ts'

describe('secrets', () => {
  it('are equal only where they are the same bytes', () => {
    assert(isEqual('secret', Buffer.from('secret')))
    for (const other of ['', 'Secret', 'secret ', 'secre', 'secret'.repeat(1000)]) {
      assert(!isEqual('secret', other), other)
    }
  })

  it('are all tried, whichever of them passes', () => {
    const tried: string[] = []
    const passes = someSecret(['first', 'second'], (secret) => {
      tried.push(secret)
      return secret === 'first'
    })
    assert(passes)
    assert.deepEqual(tried, ['first', 'second'])
  })

  it('that are empty never pass', () => {
    assert(!someSecret([''], () => true))
  })

  it("sign as GitHub's documentation shows", () => {
    const signature = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    assert(isSigned(["It's a Secret to Everybody"], Buffer.from('Hello, World!'), signature))
  })
})
