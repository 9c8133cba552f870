import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { badRefs, nastyBranchNames } from '../../test/fixtures/branch-names.ts'
import { isBranchOrTag } from './git-ref.ts'

const gitTakes = (ref: string) => spawnSync('git', ['check-ref-format', ref]).status === 0

describe('the name of a ref', () => {
  it('is taken where git takes it', () => {
    for (const name of nastyBranchNames) {
      for (const ref of [`refs/heads/${name}`, `refs/tags/${name}`]) {
        assert(gitTakes(ref), `git refuses ${ref}`)
        assert(isBranchOrTag(ref), ref)
      }
    }
  })

  it('is refused where git refuses it, and where it is neither a branch nor a tag', () => {
    for (const ref of badRefs) assert(!isBranchOrTag(ref), ref)
  })

  it('is judged as git judges it, character by character', () => {
    for (let code = 1; code < 0x80; code++) {
      const character = String.fromCharCode(code)
      for (const name of [character, `a${character}`, `${character}a`, `a${character}b`]) {
        const ref = `refs/heads/${name}`
        assert.equal(isBranchOrTag(ref), gitTakes(ref), JSON.stringify(ref))
      }
    }
  })

  it('is refused with half a character or a control character beyond ASCII', () => {
    for (const ref of ['refs/heads/a\ud800', 'refs/heads/a\u0085b']) {
      assert(!isBranchOrTag(ref), JSON.stringify(ref))
    }
  })
})
