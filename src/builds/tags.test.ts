import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageTags, sanitiseTag, templateValues } from './tags.ts'

const sha = '0123456789abcdef0123456789abcdef01234567'
const now = Date.UTC(2026, 10, 23)

const tagsOf = (ref: string, ...templates: string[]): string[] =>
  imageTags(templates, templateValues(ref, sha, now)).map(({ tag }) => tag)

test('a branch is tagged by its name and the first 12 digits of the commit; {tag} is dropped', () => {
  const tags = tagsOf('refs/heads/Feature/Login', '{branch}', '{tag}', '{shortSha}')
  assert.deepEqual(tags, ['feature-login', '0123456789ab'])
})

test('a release moves its major and minor lines, a pre-release moves neither', () => {
  const templates = ['{semver}', '{major}', '{minor}']
  assert.deepEqual(tagsOf('refs/tags/v1.2.3', ...templates), ['1.2.3', '1', '1.2'])
  assert.deepEqual(tagsOf('refs/tags/v1.2.3-rc.1+build', ...templates), ['1.2.3-rc.1'])
  assert.deepEqual(tagsOf('refs/tags/nightly', ...templates), [])
})

test('a template without variables is a tag of the image, not of a ref', () => {
  const [latest, branch] = imageTags(
    ['latest', '{branch}'],
    templateValues('refs/heads/main', sha, now),
  )
  assert.deepEqual([latest?.ofRef, branch?.ofRef], [false, true])
})

test('a pull request has {pr}, {sha} and {shortSha} alone: latest, a date and other refs are not its own', () => {
  const templates = ['pr-{pr}', '{shortSha}', '{sha}', '{branch}', '{tag}', 'latest', '{date}-{pr}']
  const expected = ['pr-12', '0123456789ab', sha]
  assert.deepEqual(tagsOf('refs/pull/12/head', ...templates), expected)
  assert.deepEqual(tagsOf('refs/merge-requests/12/head', ...templates), expected)
  assert.deepEqual(tagsOf('refs/heads/12', 'pr-{pr}'), [])
})

test('every tag of a pull request is its own, and one of the commit alone gives way', () => {
  const tags = imageTags(
    ['pr-{pr}', 'pr-{pr}-{shortSha}', '{shortSha}'],
    templateValues('refs/pull/12/head', sha, now),
  )
  assert.deepEqual(
    tags.map(({ ofRef, yields }) => [ofRef, yields]),
    [
      [true, false],
      [true, false],
      [true, true],
    ],
  )
})

test('the same tag from two templates is pushed once', () => {
  assert.deepEqual(tagsOf('refs/heads/main', 'main', '{branch}'), ['main'])
})

test('{date} is the day in UTC', () => {
  assert.deepEqual(tagsOf('refs/heads/main', '{branch}-{date}'), ['main-20261123'])
})

test('whatever a branch is called, its tag is one that a registry takes', () => {
  const names = [
    '--build-arg=X',
    '$(id)',
    '`id`',
    'a;b|c&d',
    'ünïcode',
    '.hidden',
    '#1',
    "o'neil",
    'x'.repeat(240),
  ]
  for (const name of names) {
    const tag = sanitiseTag(name)
    assert.match(tag, /^[a-z0-9_][a-z0-9_.-]{0,127}$/, `${name} → ${tag}`)
  }
})
