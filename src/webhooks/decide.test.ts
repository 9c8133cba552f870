import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { delivery, rulesOf } from '../../test/support/samples.ts'
import type { RefEvent } from '../builds/rules.ts'
import { decide } from './decide.ts'

const { event } = delivery()

describe('whether a push is wanted', () => {
  it('says which repository no entry matches', () => {
    assert.deepEqual(decide(event, { find: () => undefined }), {
      wanted: false,
      reason: 'no entry of kanihook.yaml matches git.example.com/acme/app',
    })
  })

  it("passes on why the entry does not want the ref, which it asks with the forge's default branch", () => {
    const unwanted = ({ ref, defaultBranch }: RefEvent) => `${ref} ${defaultBranch}`
    const rule = { match: '**', pullRequests: 'never', images: [], unwanted } as const
    const rules = { find: () => rule }
    assert.deepEqual(decide(event, rules), { wanted: false, reason: 'refs/heads/main main' })
  })

  it('is yes where the entry has nothing against it', () => {
    assert.deepEqual(decide(event, rulesOf()), { wanted: true })
  })
})
