import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildPlan, imagePlan } from '../../test/support/samples.ts'
import type { Build, ImagePlan } from './build.ts'
import { newFacts } from './facts.ts'
import { largeContext, remarks, worthCachingMs } from './remarks.ts'

const build = (change: Partial<Build>, plan: Partial<ImagePlan> = {}): Build => ({
  ...buildPlan({ plan: { ...imagePlan, ...plan } }),
  state: 'succeeded',
  createdAt: 0,
  endedAt: 60_000,
  steps: [{ name: 'building', at: 1_000 }],
  outcome: undefined,
  tries: 1,
  stop: undefined,
  protected: false,
  ...change,
})

describe('a large context', () => {
  const context = { bytes: 412 * 1024 ** 2, files: 8_310, dockerignore: false }

  it('without a .dockerignore is worth a remark, with where it goes', () => {
    assert.deepEqual(remarks(build({ facts: { context } }, { context: 'services/api' })), [
      'Context: 412 MiB in 8,310 files, and no .dockerignore: name what the Dockerfile does not need in services/api/.dockerignore',
    ])
    const many = { bytes: 1024, files: largeContext.files, dockerignore: false }
    assert.match(remarks(build({ facts: { context: many } }))[0] ?? '', / in \.dockerignore$/)
  })

  it('with one is not, nor is a small one, nor one that nobody measured', () => {
    const small = { bytes: largeContext.bytes - 1, files: largeContext.files - 1 }
    for (const facts of [
      { context: { ...context, dockerignore: true } },
      { context: { ...small, dockerignore: false } },
      {},
    ]) {
      assert.deepEqual(remarks(build({ facts })), [])
    }
    assert.deepEqual(remarks(build({})), [])
  })
})

describe('pointers of Git LFS in the context', () => {
  const seen = (pointers: number, plan: Partial<ImagePlan> = {}): string[] => {
    const message = `context bytes=1024 files=3 dockerignore=no pointers=${pointers}\n`
    const facts = newFacts(undefined, { ends: { clone: { exitCode: 0, reason: '', message } } })
    return remarks(build({ facts: facts! }, plan))
  }

  it('are worth a remark, with the key that fetches their content', () => {
    assert.deepEqual(seen(1200), [
      '1,200 files of the context are pointers of Git LFS, without the content: lfs: true fetches it',
    ])
    assert.match(seen(1)[0] ?? '', /^1 file of the context is a pointer of Git LFS, without/)
    assert.deepEqual(seen(0), [])
  })

  it('are another one where lfs is on', () => {
    assert.match(seen(2, { lfs: true })[0] ?? '', /although lfs is on: .*fetchexclude/)
  })
})

describe('a build that took long', () => {
  const endedAt = 1_000 + worthCachingMs

  it('with the cache off is told of it, however it ended', () => {
    for (const state of ['succeeded', 'failed'] as const) {
      assert.deepEqual(remarks(build({ endedAt, state })), [
        'Building took 5m with the cache off: cache: { enabled: true } keeps the layers of RUN for the next build',
      ])
    }
  })

  it('with the cache on is not, nor is a quick one, nor one that still builds', () => {
    const cache = { ...imagePlan.cache, enabled: true }
    assert.deepEqual(remarks(build({ endedAt }, { cache })), [])
    assert.deepEqual(remarks(build({ endedAt: endedAt - 1 })), [])
    assert.deepEqual(remarks(build({ endedAt: undefined, state: 'running' })), [])
  })
})

describe('what is seen of a build', () => {
  const said = (message: string) => ({ exitCode: 0, reason: 'Completed', message })
  const clone = said('context bytes=1024 files=3 dockerignore=yes\n')

  it('is added to what is known, and nothing where nothing is new', () => {
    const first = newFacts(undefined, { ran: { clone: 'git@sha256:1' }, ends: {} })
    assert.deepEqual(first, { ran: { clone: 'git@sha256:1' } })
    const second = newFacts(first, { ran: { build: 'kaniko@sha256:2' }, ends: { clone } })
    assert.deepEqual(second, {
      ran: { clone: 'git@sha256:1', build: 'kaniko@sha256:2' },
      context: { bytes: 1024, files: 3, dockerignore: true },
    })
    assert.equal(newFacts(second, { ends: { clone } }), undefined)
    assert.equal(newFacts(undefined, { ends: {} }), undefined)
  })

  it('is no context where the message says another thing', () => {
    for (const message of ['', 'context bytes=-1 files=1 dockerignore=no', 'bytes=1']) {
      assert.equal(newFacts(undefined, { ends: { clone: said(message) } }), undefined, message)
    }
  })
})
