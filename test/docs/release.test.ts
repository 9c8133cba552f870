import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { changelogEntries } from '../../docs/generate/release-notes.ts'
import { read, userPages } from './markdown.ts'

const { version } = JSON.parse(read('package.json')) as { version: string }
const [newest] = changelogEntries(read('CHANGELOG.md'))
/** Set where a release is made: the tag that was pushed. */
const tag = process.env['RELEASE_TAG']

describe(`the version ${version} of package.json`, () => {
  it('is the chart’s, and that of the image which the chart runs', () => {
    const chart = parse(read('charts/kanihook/Chart.yaml')) as Record<string, unknown>
    assert.deepEqual([chart['version'], chart['appVersion']], [version, version])
  })

  it('is the newest entry of CHANGELOG.md, which says something about it', () => {
    assert.equal(newest?.version, version)
    assert.match(newest.date, /^(\d{4}-\d\d-\d\d|Unreleased)$/)
    assert.match(newest.text, /^- /m)
  })

  it('is the one that the commands in the documentation install', () => {
    const named = userPages().flatMap((page) =>
      [...read(page).matchAll(/(?:--version |kanihook:)(\d+\.\d+\.\d+)/g)].map(
        ([, found]) => found,
      ),
    )
    assert.ok(named.length > 0)
    assert.deepEqual([...new Set(named)], [version])
  })

  // When a tag is being released.
  if (tag !== undefined) {
    it('is that of the tag, and the changelog has its day', () => {
      assert.equal(tag, `v${version}`)
      assert.notEqual(newest?.date, 'Unreleased')
    })
  }
})

describe('the image', () => {
  it('runs the Node that the tests run with', () => {
    const [, named] = /^ARG NODE_VERSION=(\S+)$/m.exec(read('Dockerfile')) ?? []
    assert.equal(named, process.versions.node)
  })
})

describe('the workflows', () => {
  it('run what .ci/run runs', () => {
    const wanted = [...read('.ci/run').matchAll(/^stage \.\/dev (\w+)$/gm)].map(
      ([, name = '']) => name,
    )
    const { jobs } = parse(read('.github/workflows/ci.yaml')) as {
      jobs: { run: { strategy: { matrix: { include: { command: string }[] } }; steps: object[] } }
    }
    const commands = jobs.run.strategy.matrix.include.map(({ command }) => command)
    assert.ok(wanted.length > 0)
    assert.deepEqual(commands.toSorted(), wanted.toSorted())
    assert.ok(JSON.stringify(jobs.run.steps).includes('./dev ${{ matrix.command }}'))
  })

  it('use actions by their commit', () => {
    for (const name of ['ci', 'release']) {
      const uses = [...read(`.github/workflows/${name}.yaml`).matchAll(/uses: (.*)$/gm)]
      assert.ok(uses.length > 0)
      for (const [, action = ''] of uses) {
        assert.match(action, /^(\.\/.*|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/)
      }
    }
  })
})
