import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildPlan, imagePlan } from '../../test/support/samples.ts'
import type { Build, ImagePlan } from './build.ts'
import { phaseOf, type ContainerName } from './containers.ts'
import { exampleBuild } from './example-build.ts'
import type { JobObservation, Waiting } from './ports.ts'
import { verdict, type Verdict } from './verdict.ts'

const begun = 1_000_000
const plan: ImagePlan = {
  ...imagePlan,
  publish: 'apart',
  startTimeoutMs: 40_000,
  timeoutMs: 1_800_000,
}
const ok = { exitCode: 0, reason: 'Completed', message: '' }
const noImage: Waiting = { reason: 'ImagePullBackOff', message: 'no such host' }
const order = ['clone', 'build', 'scan'] as const

/** What is done about a build `ms` after the container before this one has ended. */
function after(ms: number, container: ContainerName, waiting?: Waiting, change = {}): Verdict {
  const before = order.slice(0, order.findIndex((name) => name === container) >>> 0)
  const build: Build = {
    ...exampleBuild({
      identity: buildPlan(),
      plan: { ...plan, ...change },
      cause: 'a test',
      now: begun - 300_000,
    }),
    state: 'running',
    steps: [
      { name: 'starting', at: begun - 300_000 },
      { name: 'cloning', at: begun - 200_000 },
      { name: phaseOf[container], at: begun },
    ],
  }
  const ends = Object.fromEntries(before.map((name) => [name, ok]))
  const observation = { phase: phaseOf[container], ends, ...(waiting ? { waiting } : {}) }
  return verdict({ build, observation, log: [], now: begun + ms })
}

const error = (reason: string): Verdict => ({ do: 'stop', outcome: { state: 'error', reason } })

describe('a container that does not start after the one before it', () => {
  for (const [container, variable] of [
    ['build', 'KANIKO_IMAGE'],
    ['scan', 'SCAN_IMAGE'],
    ['publish', 'PUBLISH_IMAGE'],
  ] as const) {
    it(`is given startTimeout to get ${variable}, which its end names`, () => {
      assert.deepEqual(after(40_000, container, noImage), { do: 'wait' })
      assert.deepEqual(
        after(40_001, container, noImage),
        error(`${variable} cannot be pulled: ImagePullBackOff: no such host`),
      )
    })
  }

  it('may take longer while its image is being pulled, or while it runs', () => {
    assert.deepEqual(after(600_000, 'scan'), { do: 'wait' })
  })

  it('for another reason is told with that', () => {
    const waiting = { reason: 'CreateContainerConfigError', message: 'secret "x" not found' }
    assert.deepEqual(
      after(40_001, 'scan', waiting),
      error('Scan did not start: CreateContainerConfigError: secret "x" not found'),
    )
  })

  it('is not given more than timeout leaves, and is blamed then, too', () => {
    assert.deepEqual(
      after(1_000, 'scan', noImage, { timeoutMs: 200_000 }),
      error('SCAN_IMAGE cannot be pulled: ImagePullBackOff: no such host'),
    )
  })
})

it('a build whose pod goes on after its end as a whole has that removed first, for it may push', () => {
  const build = { ...exampleBuild({ identity: buildPlan(), plan, cause: 'a test', now: begun }) }
  const pod = { reason: 'TaskRunCancelled', message: 'why' }
  const seen = { phase: 'ended', ends: { clone: ok }, pod } as const
  const outcome = { state: 'error', reason: 'The TaskRun was cancelled in the cluster' } as const
  const judged = (observation: JobObservation): Verdict =>
    verdict({ build: { ...build, state: 'running' }, observation, log: [], now: begun })
  assert.deepEqual(judged({ ...seen, lingers: true }), { do: 'stop', outcome })
  assert.deepEqual(judged(seen), { do: 'end', outcome })
  const killed = { exitCode: 143, reason: 'Error', message: '' }
  assert.deepEqual(judged({ ...seen, ends: { clone: killed } }), { do: 'end', outcome })
})
