import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Repository } from '../builds/push-event.ts'
import { parseConfig } from './config-file.ts'
import { createRules } from './rules.ts'

const repository = (name: string): Repository => {
  const [host = '', ...path] = name.split('/')
  return { forge: 'gitlab', id: '1', host, path: path.join('/') }
}
const rulesOf = (text: string) => createRules(parseConfig(text, 'kanihook.yaml'))
const destination = "destination: 'r.io/{owner}/{repo}'"

describe('the entry that decides', () => {
  const rules = rulesOf(`
repositories:
  - { match: github.com/acme/app, ${destination} }
  - { match: github.com/acme/*, ${destination} }
  - { match: 'gitlab.acme.io:8443/**', ${destination} }
  - { match: '*.acme.io/team/*', ${destination} }
`)
  for (const [name, match] of [
    ['github.com/acme/app', 'github.com/acme/app'],
    ['github.com/ACME/App', 'github.com/acme/app'],
    ['github.com/acme/other', 'github.com/acme/*'],
    ['github.com/acme/.github', 'github.com/acme/*'],
    ['github.com/acme2/app', undefined],
    ['github.com/evil/acme/app', undefined],
    ['github.com.evil.io/acme/app', undefined],
    ['gitlab.acme.io:8443/group/sub/app', 'gitlab.acme.io:8443/**'],
    ['gitlab.acme.io/group/sub/app', undefined],
    ['git.acme.io/team/app', '*.acme.io/team/*'],
    ['evil.io/x.acme.io/team/app', undefined],
  ] as const) {
    test(`${name}: ${match ?? 'none'}`, () => {
      assert.equal(rules.find(repository(name))?.match, match)
    })
  }
})

test('without images, the one image is named after the last part of the repository', () => {
  const rules = rulesOf(`repositories: [{ match: '**', ${destination} }]`)
  for (const [path, name] of [
    ['group/sub/App', 'App'],
    ['acme/.github', 'github'],
    ['acme/a b', 'a-b'],
    ['acme/-_-', 'image'],
    ['acme/ünïcode', 'n-code'],
    [`acme/${'a'.repeat(80)}`, 'a'.repeat(63)],
  ] as const) {
    assert.equal(rules.find(repository(`git.io/${path}`))?.images[0]?.name, name)
  }
})

test('the destination is handed on with its variables', () => {
  const rules = rulesOf(`repositories: [{ match: '**', ${destination} }]`)
  assert.deepEqual(rules.find(repository('a.io/b/c'))?.images[0]?.destinations, [
    'r.io/{owner}/{repo}',
  ])
})

describe('a ref is not built, and the reason says why', () => {
  const find = (lines: string) =>
    rulesOf(`repositories: [{ match: '**', ${destination}, ${lines} }]`).find(repository('a.io/b'))!
  const byDefault = find('')
  const explicit = find("branches: [main, 'release/*'], tags: ['v*']")
  for (const [rule, ref, defaultBranch, reason] of [
    [byDefault, 'refs/heads/main', 'main', undefined],
    [byDefault, 'refs/heads/dev', 'main', 'branch "dev" is not the default branch "main"'],
    [byDefault, 'refs/heads/Main', 'main', 'branch "Main" is not the default branch "main"'],
    [
      byDefault,
      'refs/heads/main',
      undefined,
      'branch "main": the default branch is not known (say "branches" to build it)',
    ],
    [
      byDefault,
      'refs/tags/main',
      'main',
      'tag "main": the entry builds no tags (say "tags" to build them)',
    ],
    [explicit, 'refs/heads/main', undefined, undefined],
    [explicit, 'refs/heads/release/1', 'main', undefined],
    [
      explicit,
      'refs/heads/release/1/2',
      'main',
      'branch "release/1/2" is not in branches [main, release/*]',
    ],
    [explicit, 'refs/heads/v1', 'v1', 'branch "v1" is not in branches [main, release/*]'],
    [explicit, 'refs/tags/v1.2.3', 'main', undefined],
    [explicit, 'refs/tags/main', 'main', 'tag "main" is not in tags [v*]'],
    [find('branches: []'), 'refs/heads/main', 'main', 'branch "main" is not in branches []'],
  ] as const) {
    test(`${ref} (default ${defaultBranch}): ${reason ?? 'built'}`, () => {
      assert.equal(rule.unwanted({ ref, defaultBranch }), reason)
    })
  }
})

describe('a pull request is not built, and the reason says why', () => {
  const find = (lines: string) =>
    rulesOf(`repositories: [{ match: '**', ${destination}, ${lines} }]`).find(repository('a.io/b'))!
  const trusted = find('pullRequests: trusted')
  const own = { base: 'main', head: 'feature', fork: false, open: true, updatedAt: 0 }
  for (const [rule, pullRequest, reason] of [
    [trusted, own, undefined],
    [
      find("pullRequests: trusted, branches: ['release/*']"),
      { ...own, base: 'release/1' },
      undefined,
    ],
    [
      trusted,
      { ...own, base: 'dev' },
      'pull request 12 is to be merged into a branch that is not built: branch "dev" is not the default branch "main"',
    ],
    [
      trusted,
      { ...own, fork: true },
      'pull request 12 comes from a fork: only those from branches of the repository itself are built',
    ],
    [
      find('branches: [main]'),
      own,
      'pull request 12: the entry builds no pull requests (say "pullRequests: trusted" to build them)',
    ],
  ] as const) {
    const of = `${pullRequest.fork ? 'of a fork' : 'of a branch'} into ${pullRequest.base}`
    test(`${of}: ${reason ?? 'built'}`, () => {
      const event = { ref: 'refs/pull/12/head', defaultBranch: 'main', pullRequest }
      assert.equal(rule.unwanted(event), reason)
      const gitlab = { ...event, ref: 'refs/merge-requests/12/head' }
      assert.equal(rule.unwanted(gitlab), reason)
    })
  }
})

test('a changed file concerns an image when it is included and not excluded', () => {
  const paths = (lines: string) =>
    rulesOf(
      `repositories: [{ match: '**', images: [{ name: x, ${destination}, ${lines} }] }]`,
    ).find(repository('a.io/b'))!.images[0]!.paths
  assert.equal(paths(''), undefined)
  const both = paths("paths: { include: ['api/**'], exclude: ['**/*.md'] }")!
  assert.ok(both.concern(['api/.env/x']))
  assert.ok(!both.concern(['api/docs/README.md']))
  assert.ok(!both.concern(['web/x']))
  const excluded = paths("paths: { exclude: ['docs/**'] }")!
  assert.ok(excluded.concern(['x']))
  assert.ok(!excluded.concern(['docs/x']))
  assert.ok(!paths('paths: { include: [] }')!.concern(['x']))
})
