import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { imagePlan, repository, sha } from '../../../test/support/samples.ts'
import type { ImagePlan } from '../../builds/build.ts'
import { exampleBuild } from '../../builds/example-build.ts'
import { toText } from './text.ts'

/** What is said of an image with this plan, by the word before it; made as an object of this kind. */
function said(change: Partial<ImagePlan>, kind = 'Job'): Map<string, string> {
  const ref = 'refs/heads/main'
  const build = exampleBuild({
    identity: { repository, ref, image: 'app', sha: sha('a') },
    plan: { ...imagePlan, ...change },
    cause: 'plan',
    now: 0,
  })
  const job = { kind, metadata: { name: 'kanihook-app', namespace: 'builds' } }
  const image = { name: 'app', build, reason: 'whatever files changed', said: [] }
  const lines = toText({
    repository: 'git.example.com/acme/app',
    entry: '**',
    nothing: undefined,
    refs: [
      {
        ref,
        sha: sha('a'),
        reason: 'wanted',
        images: [{ ...image, objects: [{ secret: undefined, job }] }],
      },
    ],
  })
  return new Map(
    lines.flatMap((line) => {
      const [, word, value] = /^ {4}(\w+) +(.*)$/.exec(line) ?? []
      return word === undefined || value === undefined ? [] : [[word, value] as const]
    }),
  )
}

describe('the text of kanihook plan', () => {
  it('calls what is made by its kind', () => {
    assert.equal(said({}).get('as'), 'Job kanihook-app in builds')
    assert.equal(said({}, 'TaskRun').get('as'), 'TaskRun kanihook-app in builds')
  })

  for (const [change, word, value] of [
    [{ publish: 'apart', pushSecret: 's' }, 'with', /^the Secret s, by a container of its own/],
    [{ publish: 'apart', pullSecret: 'reader' }, 'pulls', /^with the Secret reader$/],
    [
      { cloneSecret: 'key', submodules: true, lfs: true, sparse: true },
      'cloned',
      /^with the Secret key, with submodules, with the content of Git LFS, the files of .* \(sparse\)$/,
    ],
    [{ lfs: true }, 'cloned', /^with the content of Git LFS$/],
    [
      { cache: { enabled: true, ttlMs: 1, repository: 'r.example/c', readOnly: true } },
      'cache',
      /^r\.example\/c, which is only read$/,
    ],
    [
      { scan: { severities: ['CRITICAL', 'HIGH'], onFindings: 'fail' } },
      'scan',
      /^CRITICAL, HIGH: fails the build$/,
    ],
    [
      { scan: { severities: ['HIGH'], ignoreUnfixed: true, onFindings: 'warn' } },
      'scan',
      /^HIGH, if mended by a newer version: is told \(onFindings: warn\)$/,
    ],
  ] as const satisfies readonly (readonly [Partial<ImagePlan>, string, RegExp])[]) {
    it(`tells of ${JSON.stringify(change)}`, () => {
      assert.match(said(change).get(word) ?? '', value)
    })
  }

  it('says nothing of what an image does not ask for', () => {
    const words = [...said({}).keys()]
    assert.deepEqual(words, ['pushes', 'with', 'from', 'paths', 'as'])
  })
})
