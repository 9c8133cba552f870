import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileGlob, globFault, isPattern } from './globs.ts'

/** Names that git accepts for a branch. */
const nasty = [
  ';rm -rf',
  '$(id)',
  '`id`',
  'a|b',
  'a&b',
  `it's "x"`,
  '#1',
  'a=b,c',
  'ünïcode/日本',
  'feature/--build-arg=X',
  '-x',
  '.hidden/.x',
  '@',
  '(a|b)',
  '+(a)',
  'a+b',
  '!x',
  '{a,b}',
  '$HOME',
  'a]b',
  'x'.repeat(240),
]
const escape = (name: string): string => name.replace(/[\\*?[\]{}]|^!/g, '\\$&')

describe('any name', () => {
  for (const name of nasty) {
    test(`${name.slice(0, 40)} is matched by ** and by itself, and by no other name's glob`, () => {
      assert.ok(compileGlob('**')(name))
      const itself = escape(name)
      assert.equal(globFault(itself), undefined)
      for (const other of nasty) assert.equal(compileGlob(itself)(other), other === name, other)
    })
  }
})

for (const [glob, name, expected] of [
  ['*', 'main', true],
  ['*', 'a/b', false],
  ['*', '.a', true],
  ['**', 'a/b/.c', true],
  ['release/*', 'release/1', true],
  ['release/*', 'release/1/2', false],
  ['release/*', 'release', false],
  ['release/**', 'release/1/2', true],
  ['release/**', 'release', false],
  ['release/**', 'releases/1', false],
  ['**/*.md', 'README.md', true],
  ['**/*.md', 'docs/a/b.md', true],
  ['**/*.md', 'README.mdx', false],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/x/y/b', true],
  ['a**b', 'a/b', false],
  ['v*', 'v1.2.3', true],
  ['v?', 'v1', true],
  ['v?', 'v/', false],
  ['v[0-9]*', 'v1.2', true],
  ['v[0-9]*', 'vx', false],
  ['[!a]', 'b', true],
  ['[!a]', 'a', false],
  ['{main,dev/*}', 'dev/x', true],
  ['{main,dev}', '{main,dev}', false],
  ['(a|b)', 'a', false],
  ['a+', 'aa', false],
  ['main', 'Main', false],
  ['main', 'main\n', false],
  ['**/x', 'a\nb/x', true],
  ['a.c', 'abc', false],
] as const) {
  test(`${glob} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(name)}`, () => {
    assert.equal(compileGlob(glob)(name), expected)
  })
}

test('case can be left out of account', () => {
  assert.ok(compileGlob('github.com/Acme/*', { ignoreCase: true })('GitHub.com/aCME/App'))
})

for (const [glob, fault] of [
  ['', /empty/],
  ['a[b', /bracket/],
  ['{a,b', /bracket/],
  ['a]', /bracket/],
  ['!main', /negate/],
  ['a\\', /lone/],
  ['a'.repeat(1025), /longer/],
] as const) {
  test(`${JSON.stringify(glob.slice(0, 20))} is refused as a glob`, () => {
    assert.match(globFault(glob) ?? '', fault)
  })
}

test('a glob is a pattern when it can match more than one name', () => {
  for (const glob of ['*', 'a/**', 'a?', '[ab]', '{a,b}']) assert.ok(isPattern(glob), glob)
  for (const glob of ['main', 'a\\*', 'fix/\\[x\\]']) assert.ok(!isPattern(glob), glob)
})
