import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Build, Outcome } from '../builds/build.ts'
import { buildPlan } from '../../test/support/samples.ts'
import { newestPush, summarise } from './summary.ts'

const ends: Readonly<Record<string, Outcome>> = {
  succeeded: { state: 'succeeded', pushed: [] },
  failed: { state: 'failed', reason: 'RUN failed with exit code 1' },
  error: { state: 'error', reason: 'Registry does not answer' },
  skipped: { state: 'skipped', reason: 'Skipped: no changed file matches paths' },
  superseded: { state: 'superseded', reason: 'Superseded by 9c0ffee' },
  cancelled: { state: 'cancelled', reason: 'Cancelled by me' },
}

/** One build for each state, of images a, b, c… */
function pushOf(states: readonly Build['state'][], change: Partial<Build> = {}): Build[] {
  const names = states.map((_, i) => String.fromCharCode(97 + i))
  return states.map((state, i) => ({
    ...buildPlan({ image: names[i]!, summary: { images: names } }),
    state,
    createdAt: 1,
    endedAt: undefined,
    steps: [],
    outcome: ends[state],
    tries: 0,
    stop: undefined,
    protected: false,
    ...change,
  }))
}

describe('one status of a push', () => {
  for (const [states, state, description] of [
    [['waiting', 'waiting'], 'queued', '0 of 2 done, queued'],
    [['running', 'starting'], 'building', '0 of 2 done, building a'],
    [['succeeded', 'waiting'], 'building', '1 of 2 done, queued'],
    [
      ['succeeded', 'failed', 'running', 'running'],
      'building',
      '2 of 4 done (1 failed: b), building c, d',
    ],
    [
      ['running', 'running', 'running', 'running', 'running'],
      'building',
      '0 of 5 done, building a, b, c and 2 more',
    ],
    [['succeeded'], 'success', '1 image: 1 pushed'],
    [['succeeded', 'skipped', 'skipped'], 'success', '3 images: 1 pushed, 2 skipped'],
    [['skipped', 'skipped'], 'skipped', '2 images: 2 skipped'],
    [
      ['succeeded', 'error', 'failed'],
      'failure',
      '1 failed: c; 1 error: b; 1 pushed (c: RUN failed with exit code 1)',
    ],
    [['succeeded', 'error'], 'error', '1 error: b; 1 pushed (b: Registry does not answer)'],
    [['succeeded', 'superseded'], 'cancelled', '2 images: 1 pushed, 1 superseded'],
  ] as const) {
    test(`${states.join(', ')}: ${description}`, () => {
      assert.deepEqual(summarise({ builds: pushOf(states), missing: [] }), { state, description })
    })
  }

  test('waits for an image that is not planned yet, as long as one may come', () => {
    const [a] = pushOf(['succeeded', 'succeeded'], { generation: 3 })
    const told = (generation: number) => summarise(newestPush([a!], generation))
    assert.deepEqual(told(3), { state: 'building', description: '1 of 2 done, queued' })
    assert.deepEqual(told(4), { state: 'success', description: '1 image: 1 pushed' })
  })

  test('is about the newest push of the ref alone, and its images in their order', () => {
    const old = pushOf(['failed', 'failed', 'failed'], { generation: 1 })
    const [a, b] = pushOf(['succeeded', 'succeeded'], { generation: 2 })
    const { builds, missing } = newestPush([old[0]!, b!, old[2]!, a!], 2)
    assert.deepEqual(
      [builds.map(({ image, generation }) => [image, generation]), missing],
      [
        [
          ['a', 2],
          ['b', 2],
        ],
        [],
      ],
    )
  })

  test('fits into a status however many images there are, and keeps the first reason', () => {
    const builds = pushOf(
      Array.from({ length: 20 }, () => 'failed' as const),
      { outcome: { state: 'failed', reason: 'x'.repeat(500) } },
    )
    const { description } = summarise({ builds, missing: [] })
    assert.match(description, /^20 failed: a, b, c and 17 more \(a: x+…\)$/)
    assert.equal(description.length, 140)
  })

  test('keeps every count where several images fail for long reasons, and cuts one reason at its end', () => {
    const [a, b, c] = pushOf(['failed', 'failed', 'error'])
    const because = (build: Build, reason: string, image: string): Build => ({
      ...build,
      image,
      outcome: { state: build.state === 'error' ? 'error' : 'failed', reason },
    })
    const builds = [
      because(
        a!,
        `No tag of [latest] has a value on a pull request: add one ${'y'.repeat(99)}`,
        'ok',
      ),
      because(b!, 'Not published, it is vulnerable', 'scan'),
      because(c!, `The cluster has no Tekton ${'z'.repeat(99)}`, 'tek'),
    ]
    const { description } = summarise({ builds, missing: [] })
    assert.match(
      description,
      /^2 failed: ok, scan; 1 error: tek \(ok: No tag of \[latest\] has a value on a pull request: add one y+…\)$/,
    )
    assert.equal(description.length, 140)
  })

  test('names fewer of the images that failed before it cuts a count', () => {
    const builds = pushOf(['failed', 'failed', 'error', 'error']).map((build, i) => ({
      ...build,
      image: `${'n'.repeat(40)}-${i}`,
    }))
    const { description } = summarise({ builds, missing: [] })
    assert.match(description, /^2 failed: n+-0 and 1 more; 2 errors: n+-2 and 1 more$/)
  })
})
