import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRefs } from './remote-refs.ts'

const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string]

test('branches, tags and heads of pull requests are read with what they point at, an annotated tag with both of its objects', () => {
  const { defaultBranch, heads } = readRefs(
    [
      'ref: refs/heads/main\tHEAD',
      `${a}\tHEAD`,
      `${a}\trefs/heads/main`,
      `${b}\trefs/tags/v1`,
      `${c}\trefs/tags/v1^{}`,
      `${b}\trefs/tags/v2`,
      `${b}\trefs/pull/refs/heads/1`,
      `${c}\trefs/pull/12/head`,
      `${c}\trefs/pull/12/merge`,
      '',
    ].join('\n'),
  )
  assert.equal(defaultBranch, 'main')
  assert.deepEqual(Object.fromEntries(heads), {
    'refs/heads/main': { object: a, commit: a },
    'refs/tags/v1': { object: b, commit: c },
    'refs/tags/v2': { object: b, commit: b },
    'refs/pull/12/head': { object: c, commit: c },
  })
})

test('an empty repository has nothing', () => {
  assert.deepEqual(readRefs(''), { defaultBranch: undefined, heads: new Map() })
})
