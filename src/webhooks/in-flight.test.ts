import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createInFlight } from './in-flight.ts'

describe('the cap on what is in flight', () => {
  it('lets in as many requests as it says, and one more for each that left', () => {
    const inFlight = createInFlight({ requests: 2, bytes: 10 })
    const first = inFlight.enter()
    assert(first && inFlight.enter())
    assert.equal(inFlight.enter(), undefined)
    first.leave()
    assert(inFlight.enter())
    assert.equal(inFlight.enter(), undefined)
  })

  it('counts the bytes of all requests together, and forgets those of one that left', () => {
    const inFlight = createInFlight({ requests: 2, bytes: 10 })
    const [one, two] = [inFlight.enter()!, inFlight.enter()!]
    assert(one.hold(6))
    assert(two.hold(4))
    assert(!two.hold(1))
    one.leave()
    assert(two.hold(6))
    assert(!two.hold(1))
  })
})
