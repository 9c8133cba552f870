import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../command.ts'
import { findRefs } from './find-refs.ts'

const head = (digit: string, object = digit) => ({
  commit: digit.repeat(40),
  object: object.repeat(40),
})
const remote = {
  defaultBranch: 'main',
  heads: new Map([
    ['refs/heads/main', head('a')],
    ['refs/heads/next', head('a')],
    ['refs/heads/feedface', head('c')],
    ['refs/heads/v1', head('b')],
    ['refs/tags/v1', head('d', 'e')],
    ['refs/pull/12/head', head('f')],
    ['refs/merge-requests/13/head', head('f')],
  ]),
}
const found = (given: string): string[] => findRefs(given, remote).map(({ ref }) => ref)

describe('what is to be built', () => {
  it('is named by a branch, a tag, or its full name', () => {
    assert.deepEqual(found('main'), ['refs/heads/main'])
    assert.deepEqual(found('refs/tags/v1'), ['refs/tags/v1'])
    assert.deepEqual(found('refs/heads/v2'), [])
    assert.deepEqual(found('v2'), [])
    assert.throws(() => found('v1'), UsageError)
  })

  it('is named by a pull request, as each forge calls its ref', () => {
    assert.deepEqual(found('pr:12'), ['refs/pull/12/head'])
    assert.deepEqual(found('refs/pull/12/head'), ['refs/pull/12/head'])
    assert.deepEqual(found('pr:13'), ['refs/merge-requests/13/head'])
    assert.deepEqual(found('pr:14'), [])
    assert.deepEqual(found('refs/pull/12/merge'), [])
  })

  it('is named by a commit: all that points at it', () => {
    assert.deepEqual(found('A'.repeat(40)), ['refs/heads/main', 'refs/heads/next'])
    assert.deepEqual(found('aaaaaaa'), ['refs/heads/main', 'refs/heads/next'])
    assert.deepEqual(found('aaaaaa'), [])
    assert.deepEqual(found('eeeeeee'), ['refs/tags/v1'])
    assert.deepEqual(found('dddddddd'), ['refs/tags/v1'])
  })

  it('is the branch where one is called as a commit could be', () => {
    assert.deepEqual(found('feedface'), ['refs/heads/feedface'])
  })
})
