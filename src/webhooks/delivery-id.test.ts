import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deliveryId } from './delivery-id.ts'

describe('the id of a delivery', () => {
  it('is the same for the same delivery', () => {
    assert.equal(deliveryId('github', 'b7e8c1d2'), deliveryId('github', 'b7e8c1d2'))
    assert.notEqual(deliveryId('github', 'b7e8c1d2'), deliveryId('github', 'b7e8c1d3'))
    assert.notEqual(deliveryId('github', 'b7e8c1d2'), deliveryId('gitea', 'b7e8c1d2'))
  })

  it('is fit to be a key, whatever a forge sends as its own', () => {
    for (const identity of ['', '0', 'a:b', 'wait', '*', '../x', 'é'.repeat(255)]) {
      assert.match(deliveryId('gitlab', identity), /^gitlab-[0-9a-f]{40}$/)
    }
  })
})
