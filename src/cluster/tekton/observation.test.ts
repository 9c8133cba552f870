import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { V1ContainerState, V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { taskRunObservation } from './observation.ts'
import type { TaskRun, TaskRunStatus } from './task-run.ts'
import { endedBefore } from './tidy.ts'

const run = (reason: string, status = 'Unknown', more: TaskRunStatus = {}): TaskRun =>
  ({
    metadata: {},
    status: {
      podName: 'p',
      conditions: [{ type: 'Succeeded', status, reason, message: 'why' }],
      ...more,
    },
  }) as TaskRun

function pod(
  states: Record<string, V1ContainerState>,
  status: V1PodStatus = { phase: 'Running' },
  metadata: object = {},
): V1Pod {
  const of = (name: string, state: V1ContainerState) => ({
    name,
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state,
  })
  const steps = Object.entries(states).map(([name, state]) => of(`step-${name}`, state))
  const containers = ['step-clone', 'step-build'].map((name) => ({ name }))
  return {
    metadata,
    spec: { containers },
    status: Object.assign({ containerStatuses: steps }, status),
  }
}

const running: V1ContainerState = { running: {} }
const initializing: V1ContainerState = { waiting: { reason: 'PodInitializing' } }
const ended = (exitCode: number, ...results: object[]): V1ContainerState => ({
  terminated: {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    message: JSON.stringify([...results, { key: 'StartedAt', value: 'then', type: 3 }]),
  },
})
const line = 'registry.example.com/acme/app:main@sha256:1'
const pushed = { key: 'build', value: line, type: 1 }
const skipped = ended(1, { key: 'Reason', value: 'Skipped', type: 3 })

describe('what a TaskRun and its pod say', () => {
  it('step by step on the way to a success, though all steps start at once', () => {
    const pending = { phase: 'Pending' }
    const steps: [TaskRun, V1Pod | undefined, string][] = [
      [{ metadata: {} } as TaskRun, undefined, 'pending'],
      [run('Pending'), pod({ clone: initializing, build: initializing }, pending), 'pending'],
      [run('Pending'), pod({ clone: running, build: initializing }, pending), 'pending'],
      [run('Running'), pod({ clone: running, build: running }), 'cloning'],
      [run('Running'), pod({ clone: ended(0), build: running }), 'building'],
      [run('Running'), pod({ clone: ended(0), build: ended(0, pushed) }), 'ended'],
    ]
    for (const [kept, present, phase] of steps) {
      const seen = taskRunObservation(kept, present)
      assert.equal(seen.phase, phase)
      assert.equal(seen.pod, undefined)
      assert.equal(seen.waiting, undefined)
      if (phase === 'ended') assert.equal(seen.ends.build?.message, line)
    }
  })

  it('passes on what the clone tells of the context, and no other step for it', () => {
    const told = { key: 'clone', value: 'context bytes=1 files=1 dockerignore=no', type: 1 }
    const done = pod({ clone: ended(0, told), build: ended(0, told, pushed) })
    const { ends } = taskRunObservation(run('Running'), done)
    assert.equal(ends.clone?.message, told.value)
    assert.equal(ends.build?.message, line)
  })

  it('takes no step that was skipped for one that failed', () => {
    const failed = pod({ clone: ended(128), build: skipped }, { phase: 'Failed' })
    const seen = taskRunObservation(run('Failed', 'False'), failed)
    assert.equal(seen.phase, 'ended')
    assert.equal(seen.ends.clone?.exitCode, 128)
    assert.equal(seen.ends.build, undefined)
    assert.equal(seen.pod, undefined)
  })

  it("passes on a step's own failure", () => {
    const failed = pod({ clone: ended(0), build: ended(42) }, { phase: 'Failed' })
    const seen = taskRunObservation(run('Failed', 'False'), failed)
    assert.deepEqual(seen.ends.build, { exitCode: 42, reason: 'Error', message: '' })
    assert.equal(seen.pod, undefined)
  })

  it('waits for the results where Tekton takes them from a log', () => {
    const done = pod({ clone: ended(0), build: ended(0) })
    assert.equal(taskRunObservation(run('Running'), done).phase, 'building')
    const results = [{ name: 'build', value: line }]
    const seen = taskRunObservation(run('Succeeded', 'True', { results }), done)
    assert.equal(seen.ends.build?.message, line)
    assert.equal(taskRunObservation(run('Succeeded', 'True'), done).ends.build?.message, '')
  })

  it('never takes a pod that is gone for a success', () => {
    for (const kept of [
      undefined,
      run('Running'),
      run('Succeeded', 'True'),
      run('Failed', 'False'),
    ])
      assert.deepEqual(taskRunObservation(kept, undefined), { phase: 'absent', ends: {} })
  })

  it('tells why Tekton itself ended it, once its pod cannot push any more', () => {
    for (const reason of [
      'TaskRunCancelled',
      'TaskRunValidationFailed',
      'TaskRunImagePullFailed',
    ]) {
      const kept = run(reason, 'False')
      const why = { reason, message: 'why' }
      assert.deepEqual(taskRunObservation(kept, undefined), { phase: 'ended', ends: {}, pod: why })
      const going = pod({ clone: ended(0), build: running }, undefined, {
        deletionTimestamp: 'now',
      })
      assert.equal(taskRunObservation(kept, going).phase, 'building')
      const forgotten = taskRunObservation(kept, pod({ clone: ended(0), build: running }))
      assert.deepEqual([forgotten.pod, forgotten.lingers], [why, true])
      const killed = pod({ clone: ended(0), build: ended(143) })
      assert.deepEqual(taskRunObservation(kept, killed).pod, why)
      const late = taskRunObservation(kept, pod({ clone: ended(0), build: ended(0, pushed) }))
      assert.equal(late.pod, undefined, 'it has pushed all the same')
    }
  })

  it('knows a deadline, a refused pod and a full quota by the words of a Job', () => {
    const late = taskRunObservation(run('TaskRunTimeout', 'False'), undefined)
    assert.equal(late.pod?.reason, 'DeadlineExceeded')
    for (const reason of ['PodCreationFailed', 'PodAdmissionFailed']) {
      const refused = taskRunObservation(run(reason, 'False', { podName: '' }), undefined)
      assert.deepEqual(refused.pod, { reason: 'FailedCreate', message: 'why' })
    }
    const full = taskRunObservation(
      run('ExceededResourceQuota', 'Unknown', { podName: '' }),
      undefined,
    )
    assert.deepEqual(full, {
      phase: 'pending',
      ends: {},
      waiting: { reason: 'FailedCreate', message: 'why' },
    })
  })

  it('tells what any of its containers waits for', () => {
    const stuck: V1ContainerState = {
      waiting: { reason: 'ErrImagePull', message: 'no such image' },
    }
    const expected = { reason: 'ErrImagePull', message: 'no such image' }
    const pending = { phase: 'Pending' }
    const second = pod({ clone: running, build: stuck }, pending)
    assert.deepEqual(taskRunObservation(run('Pending'), second).waiting, expected)
    const [prepare] = pod({ prepare: stuck }).status?.containerStatuses ?? []
    const first = pod(
      { clone: initializing, build: initializing },
      {
        ...pending,
        initContainerStatuses: prepare ? [prepare] : [],
      },
    )
    assert.deepEqual(taskRunObservation(run('Pending'), first).waiting, expected)
  })
})

it('an ended TaskRun is tidied away when it has been kept for long enough', () => {
  const at = (status: string, lastTransitionTime: string): TaskRun =>
    ({
      status: { conditions: [{ type: 'Succeeded', status, lastTransitionTime }] },
    }) as unknown as TaskRun
  const isOld = endedBefore(Date.parse('2026-01-01T12:00:00Z'))
  assert.ok(isOld(at('True', '2026-01-01T11:59:59Z')))
  assert.ok(isOld(at('False', '2026-01-01T11:59:59Z')))
  assert.ok(!isOld(at('True', '2026-01-01T12:00:01Z')))
  assert.ok(!isOld(at('Unknown', '2026-01-01T10:00:00Z')))
  assert.ok(!isOld({ metadata: {} } as TaskRun))
})
