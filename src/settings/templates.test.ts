import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tagFault, templateFault, valueVariables } from './templates.ts'

for (const tag of [
  '{branch}',
  '{semver}-{shortSha}',
  'v{major}.{minor}',
  'latest',
  '_x',
  '{date}.1',
  'a'.repeat(128),
]) {
  test(`${tag.slice(0, 30)} is the template of a tag`, () => assert.equal(tagFault(tag), undefined))
}

for (const [tag, fault] of [
  ['', /empty/],
  ['{brnch}', /unknown variable \{brnch\} \(did you mean \{branch\}\?/],
  [
    '{number}',
    /known here: \{branch\} \{tag\} \{pr\} \{sha\} \{shortSha\} \{semver\} \{major\} \{minor\} \{date\}/,
  ],
  ['{repo}', /unknown variable/],
  ['{shortsha}', /did you mean \{shortSha\}/],
  ['{branch', /cannot be a tag/],
  ['{}', /cannot be a tag/],
  ['a b', /cannot be a tag/],
  ['a:b', /cannot be a tag/],
  ['a/b', /cannot be a tag/],
  ['-x', /cannot be a tag/],
  ['.x', /cannot be a tag/],
  ['x\n', /cannot be a tag/],
  ['a'.repeat(129), /128/],
] as const) {
  test(`${JSON.stringify(tag.slice(0, 30))} is no template of a tag`, () => {
    assert.match(tagFault(tag) ?? '', fault)
  })
}

test('the value of a build argument may hold other braces, and known variables alone', () => {
  assert.equal(templateFault('{"a": 1} {tag} {owner}/{repo} {}', valueVariables), undefined)
  assert.match(templateFault('{toString}', valueVariables) ?? '', /unknown variable/)
})
