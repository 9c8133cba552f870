import assert from 'node:assert/strict'
import { it } from 'node:test'
import { buildPlan } from '../../test/support/samples.ts'
import type { Build } from '../builds/build.ts'
import { endedBuild } from './ended-build.ts'

const build: Build = {
  ...buildPlan(),
  state: 'failed',
  createdAt: 0,
  endedAt: 60_000,
  steps: [
    { name: 'queued', at: 0 },
    { name: 'starting', at: 10_000 },
    { name: 'cloning', at: 12_000 },
    { name: 'starting', at: 20_000 },
    { name: 'cloning', at: 21_000 },
    { name: 'building', at: 23_000 },
  ],
  outcome: undefined,
  tries: 2,
  stop: undefined,
  protected: false,
}

it('of a build that ended each step is counted once, with the time of all its tries', () => {
  const { state, repository, image, seconds, steps } = endedBuild(build)
  assert.deepEqual(
    [state, repository, image, seconds],
    ['failed', 'git.example.com/acme/app', 'app', 50],
  )
  assert.deepEqual(Object.fromEntries(steps), {
    queued: 10,
    starting: 3,
    cloning: 10,
    building: 37,
  })
})

it('one that had no Job took no time', () => {
  const { seconds, steps } = endedBuild({ ...build, tries: 0, steps: build.steps.slice(0, 1) })
  assert.deepEqual([seconds, steps.size], [undefined, 0])
})
