import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { compileGlob } from './globs.ts'
import { unreachedEntries } from './unreached-entries.ts'

const unreached = (...matches: string[]): string[] =>
  unreachedEntries(matches.map((match) => ({ match })))

describe('an entry is never reached', () => {
  for (const [earlier, later] of [
    ['github.com/acme/*', 'github.com/acme/shop'],
    ['github.com/acme/*', 'GitHub.com/Acme/shop'],
    ['github.com/acme/s*', 'github.com/acme/shop'],
    ['github.com/{acme,other}/**', 'github.com/other/shop'],
    ['**', 'github.com/acme/shop'],
    ['github.com/acme/*', String.raw`github.com/acme/\shop`],
    ['**', 'github.com/{acme,other}/*'],
    ['github.com/**', 'github.com/acme/*'],
    ['github.com/acme/*', 'github.com/acme/shop-*'],
    ['github.com/Acme/*', 'github.com/acme/????'],
    ['gitlab.com/acme/**', 'gitlab.com/acme/*/shop'],
    ['gitlab.com/acme/**', 'gitlab.com/acme/**/shop'],
  ] as const) {
    it(`${later} below ${earlier}`, () => {
      const [said, ...others] = unreached(earlier, later)
      assert.equal(
        said,
        `entry 2 (${later}) is never reached: ${earlier} above it matches first (move it above that, or remove it)`,
      )
      assert.deepEqual(others, [])
    })
  }
})

/** With a repository that the later one is for: only so is silence right. */
describe('an entry is reached', () => {
  for (const [earlier, later, repository] of [
    ['github.com/acme/shop', 'github.com/acme/*', 'github.com/acme/web'],
    ['github.com/acme/*', 'github.com/acme-labs/shop', 'github.com/acme-labs/shop'],
    ['github.com/acme/*', 'github.com/acme-labs/*', 'github.com/acme-labs/shop'],
    ['github.com/acme/*', 'github.com/*/shop', 'github.com/other/shop'],
    ['gitlab.com/acme/*', 'gitlab.com/acme/team/shop', 'gitlab.com/acme/team/shop'],
    ['gitlab.com/acme/*', 'gitlab.com/acme/**', 'gitlab.com/acme/team/shop'],
    ['gitlab.com/acme/*', 'gitlab.com/acme/**/shop', 'gitlab.com/acme/team/shop'],
    ['gitlab.com/acme/*', 'gitlab.com/acme/{a,b/c}', 'gitlab.com/acme/b/c'],
    ['gitlab.com/acme/*', 'gitlab.com/acme/a[+-a]b', 'gitlab.com/acme/a/b'],
    ['gitlab.com/acme/**', 'gitlab.com/**', 'gitlab.com/other/shop'],
    ['github.com/acme/s*', 'github.com/acme/*', 'github.com/acme/web'],
    ['github.com/**', '**', 'gitlab.com/acme/shop'],
    ['githubXcom/acme/*', 'github.com/acme/*', 'github.com/acme/shop'],
  ] as const) {
    it(`${later} below ${earlier}, by ${repository}`, () => {
      const [above, below] = [earlier, later].map((glob) => compileGlob(glob, { ignoreCase: true }))
      assert.ok(below!(repository))
      assert.ok(!above!(repository))
      assert.deepEqual(unreached(earlier, later), [])
    })
  }
})

test('each is told of once, with the first that comes before it', () => {
  const said = unreached('github.com/**', 'github.com/acme/*', 'github.com/acme/shop')
  assert.equal(said.length, 2)
  for (const each of said) assert.match(each, /: github\.com\/\*\* above it/)
})
