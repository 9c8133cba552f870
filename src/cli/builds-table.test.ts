import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { sampleBuild } from '../../test/support/api-samples.ts'
import { age, buildsTable } from './builds-table.ts'

const now = Date.parse('2026-01-31T12:10:00Z')
const plain = { now, width: undefined, colour: false }

const succeeded = sampleBuild({
  state: 'succeeded',
  createdAt: '2026-01-31T12:00:00Z',
  endedAt: '2026-01-31T12:00:45Z',
  steps: [
    { name: 'queued', at: '2026-01-31T12:00:00Z', note: null },
    { name: 'starting', at: '2026-01-31T12:00:03Z', note: null },
  ],
  pushed: [
    { destination: 'r.io/acme/app:main', digest: `sha256:${'1f'.repeat(32)}` },
    { destination: 'r.io/acme/app:v1', digest: `sha256:${'1f'.repeat(32)}` },
  ],
})
const waiting = sampleBuild({
  id: 'b'.repeat(16),
  ref: 'refs/tags/v1.2.3',
  createdAt: '2026-01-31T12:09:30Z',
  steps: [
    {
      name: 'starting',
      at: '2026-01-31T12:09:40Z',
      note: 'Waiting for capacity: 0/1 nodes\n\u001b[31mfit',
    },
  ],
})
const failed = sampleBuild({
  id: 'c'.repeat(16),
  state: 'failed',
  reason: 'Dockerfile not found: Dockerfile',
})

describe('the table of builds', () => {
  it('has a line for each build, in columns', () => {
    assert.deepEqual(buildsTable([succeeded, waiting, failed], plain), [
      'ID                STATE      IMAGE  REPOSITORY  REF          COMMIT   AGE  TOOK  RESULT',
      'aaaaaaaaaaaaaaaa  succeeded  app    acme/app    main         1234567  10m  42s   Pushed r.io/acme/app:main and 1 more (sha256:1f1f1f1f1f1f…)',
      'bbbbbbbbbbbbbbbb  starting   app    acme/app    tags/v1.2.3  1234567  30s  20s   Starting the pod: Waiting for capacity: 0/1 nodes [31mfit',
      'cccccccccccccccc  failed     app    acme/app    main         1234567  10m  -     Dockerfile not found: Dockerfile',
    ])
  })

  it('is cut to the width of the terminal', () => {
    const lines = buildsTable([succeeded, failed], { ...plain, width: 80 })
    assert.ok(lines.every((line) => Array.from(line).length <= 80))
    assert.ok(lines[1]?.endsWith('…'))
  })

  it('has its states in colours, and nothing else', () => {
    const painted = buildsTable([succeeded, failed], { ...plain, colour: true })
    assert.ok(painted[1]?.includes('\u001b[32msucceeded\u001b[39m'))
    assert.ok(painted[2]?.includes('\u001b[31mfailed\u001b[39m'))
    assert.deepEqual(painted.map(stripVTControlCharacters), buildsTable([succeeded, failed], plain))
  })

  it('says of an upload that it is fetched', () => {
    const push = sampleBuild({
      state: 'running',
      steps: [{ name: 'cloning', at: '2026-01-31T12:09:40Z', note: null }],
    })
    const [, cloned = '', fetched = ''] = buildsTable(
      [push, { ...push, upload: { bytes: 1 } }],
      plain,
    )
    assert.match(cloned, /  Cloning$/)
    assert.match(fetched, /  Fetching the upload$/)
  })

  it('names the hosts where there are several', () => {
    const other = sampleBuild({ repository: { host: 'gitlab.com', path: 'acme/app' } })
    assert.match(buildsTable([succeeded, other], plain).join('\n'), /gitlab\.com\/acme\/app/)
    assert.ok(!buildsTable([succeeded], plain).join('\n').includes('git.example.com'))
  })
})

it('an age is told in one unit', () => {
  const seconds = [-5, 0, 119, 120, 7_199, 7_200, 172_799, 172_800]
  assert.deepEqual(
    seconds.map((each) => age(each * 1000)),
    ['0s', '0s', '119s', '2m', '119m', '2h', '47h', '2d'],
  )
})
