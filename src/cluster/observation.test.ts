import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type {
  V1ContainerState,
  V1Job,
  V1JobStatus,
  V1Pod,
  V1PodStatus,
} from '@kubernetes/client-node'
import { observation, warning } from './observation.ts'

const job = (status: V1JobStatus = { active: 1 }, metadata: object = {}): V1Job => ({
  metadata,
  status,
})

const failed = (reason: string, type = 'Failed'): V1Job =>
  job({ failed: 1, conditions: [{ type, status: 'True', reason, message: 'why' }] })

/** The states of its containers; the last one is no init container. */
function pod(
  states: Readonly<Record<string, V1ContainerState>>,
  status: V1PodStatus = {},
  metadata: object = {},
): V1Pod {
  const statuses = Object.entries(states).map(([name, state]) => ({
    name,
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state,
  }))
  const inits = statuses.filter(({ name }) => name === 'clone' || name !== statuses.at(-1)?.name)
  const mains = statuses.filter((each) => !inits.includes(each))
  return {
    metadata,
    status: Object.assign(
      { phase: 'Pending', initContainerStatuses: inits, containerStatuses: mains },
      status,
    ),
  }
}

const running: V1ContainerState = { running: {} }
const initializing: V1ContainerState = { waiting: { reason: 'PodInitializing' } }
const ended = (
  exitCode: number,
  reason = exitCode === 0 ? 'Completed' : 'Error',
  message = '',
) => ({
  terminated: { exitCode, reason, message },
})

describe('what a Job and its pod say', () => {
  it('step by step on the way to a success, ahead of phase and condition', () => {
    const steps: [V1Pod | undefined, string][] = [
      [undefined, 'pending'],
      [pod({}), 'pending'],
      [pod({ clone: initializing, build: initializing }), 'pending'],
      [pod({ clone: running, build: initializing }), 'cloning'],
      [pod({ clone: ended(0), build: initializing }), 'building'],
      [pod({ clone: ended(0), build: running }, { phase: 'Running' }), 'building'],
      [pod({ clone: ended(0), build: ended(0) }, { phase: 'Running' }), 'ended'],
    ]
    for (const [present, phase] of steps) {
      const active = present ? { active: 1 } : {}
      const seen = observation(job(active), present)
      assert.equal(seen.phase, phase)
      assert.equal(seen.pod, undefined)
      assert.equal(seen.waiting, undefined)
    }
  })

  it('follows a pod through as many containers as it has', () => {
    const [done, next] = [ended(0), initializing]
    const steps: [V1Pod, string][] = [
      [pod({ clone: done, build: running, scan: next, publish: next }), 'building'],
      [pod({ clone: done, build: done, scan: next, publish: next }), 'scanning'],
      [pod({ clone: done, build: done, scan: running, publish: next }), 'scanning'],
      [pod({ clone: done, build: done, scan: ended(10), publish: next }), 'ended'],
      [pod({ clone: done, build: done, scan: done, publish: running }), 'publishing'],
      [pod({ clone: done, build: done, publish: done }), 'ended'],
      [pod({ publish: next }), 'pending'],
      [pod({ publish: running }), 'publishing'],
      [pod({ publish: done }), 'ended'],
    ]
    for (const [present, phase] of steps) {
      const seen = observation(job(), present)
      assert.equal(seen.phase, phase)
      assert.equal(seen.pod, undefined)
    }
  })

  it('reads containers that were started together one after the other', () => {
    /** As the kubelet lists them: by name. */
    const together = (clone: V1ContainerState, build: V1ContainerState): V1Pod => {
      const { status } = pod({ clone, build })
      const { initContainerStatuses: ofClone = [], containerStatuses: ofBuild = [] } = status ?? {}
      return { status: { phase: 'Running', containerStatuses: [...ofBuild, ...ofClone] } }
    }
    const creating: V1ContainerState = { waiting: { reason: 'ContainerCreating' } }
    const pulling: V1ContainerState = { waiting: { reason: 'ImagePullBackOff', message: 'why' } }
    const steps: [clone: V1ContainerState, build: V1ContainerState, phase: string][] = [
      [creating, creating, 'pending'],
      [running, creating, 'cloning'],
      [running, running, 'cloning'],
      [ended(0), running, 'building'],
      [ended(0), ended(0), 'ended'],
      [ended(0), ended(3), 'ended'],
      [ended(128), ended(125), 'ended'],
    ]
    for (const [clone, build, phase] of steps) {
      const { lingers, ...seen } = observation(job(), together(clone, build))
      assert.deepEqual([seen.phase, seen.waiting, lingers], [phase, undefined, undefined])
    }
    const late = observation(job(), together(ended(0), pulling))
    assert.deepEqual([late.phase, late.waiting?.reason], ['building', 'ImagePullBackOff'])
    const alone = observation(job(), together(ended(137, 'OOMKilled'), running))
    assert.deepEqual([alone.phase, alone.lingers, alone.pod], ['ended', true, undefined])
  })

  it('takes no notice of containers that others put into the pod', () => {
    const going = pod({ clone: ended(0), build: running })
    const { status } = pod({ proxy: ended(1), clone: ended(0) })
    going.status?.initContainerStatuses?.unshift(...(status?.initContainerStatuses ?? []))
    assert.equal(observation(job(), going).phase, 'building')
  })

  it("takes a container's own failure for that, whatever the Job says later", () => {
    for (const later of [job(), failed('BackoffLimitExceeded')]) {
      const broken = pod({ clone: ended(0), build: ended(42) }, { phase: 'Failed' })
      assert.deepEqual(observation(later, broken), {
        phase: 'ended',
        ends: {
          clone: { exitCode: 0, reason: 'Completed', message: '' },
          build: { exitCode: 42, reason: 'Error', message: '' },
        },
      })
      const notCloned = observation(later, pod({ clone: ended(128), build: initializing }))
      assert.equal(notCloned.phase, 'ended')
      assert.equal(notCloned.ends.clone?.exitCode, 128)
      assert.equal(notCloned.pod, undefined)
    }
  })

  it('never takes a pod that is gone for a success', () => {
    const complete = job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })
    for (const left of [undefined, complete, failed('BackoffLimitExceeded'), job({ active: 1 })]) {
      assert.deepEqual(observation(left, undefined), { phase: 'absent', ends: {} })
    }
  })

  it('blames the pod where it was evicted, disrupted, deleted, or failed before it began', () => {
    const states = { clone: ended(0), build: ended(137) }
    const disruption = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'm',
    }
    const lost: [V1Pod, string][] = [
      [pod(states, { phase: 'Failed', reason: 'Evicted' }), 'Evicted'],
      [pod(states, { phase: 'Failed', conditions: [disruption] }), 'PreemptionByScheduler'],
      [pod(states, {}, { deletionTimestamp: new Date() }), 'Deleted'],
      [pod({}, { phase: 'Failed', reason: 'NodeAffinity' }), 'NodeAffinity'],
      [pod({ clone: ended(0) }, { phase: 'Failed' }), 'Failed'],
    ]
    for (const [broken, reason] of lost) {
      const seen = observation(job(), broken)
      assert.equal(seen.phase, 'ended')
      assert.equal(seen.pod?.reason, reason)
    }
  })

  it('counts a build that has pushed as a success, even while its pod is taken away', () => {
    const done = pod({ clone: ended(0), build: ended(0) }, {}, { deletionTimestamp: new Date() })
    assert.equal(observation(failed('DeadlineExceeded'), done).pod, undefined)
  })

  it('knows a deadline, with and without the pod', () => {
    for (const type of ['Failed', 'FailureTarget']) {
      const late = failed('DeadlineExceeded', type)
      assert.equal(observation(late, undefined).pod?.reason, 'DeadlineExceeded')
      const killed = pod({ clone: ended(0), build: ended(143) })
      assert.equal(observation(late, killed).pod?.reason, 'DeadlineExceeded')
      const going = observation(late, pod({ clone: ended(0), build: running }))
      assert.equal(going.phase, 'building', 'it may still push')
    }
  })

  it('tells what a container or the scheduler waits for', () => {
    const stuck: V1ContainerState = {
      waiting: { reason: 'ErrImagePull', message: 'no such image' },
    }
    const expected = { reason: 'ErrImagePull', message: 'no such image' }
    assert.deepEqual(observation(job(), pod({ clone: stuck })).waiting, expected)
    const second = observation(job(), pod({ clone: ended(0), build: stuck }))
    assert.deepEqual([second.phase, second.waiting], ['building', expected])
    const done = ended(0)
    const late: [V1Pod, string][] = [
      [pod({ clone: done, build: done, scan: stuck, publish: initializing }), 'scanning'],
      [pod({ clone: done, build: done, scan: done, publish: stuck }), 'publishing'],
    ]
    for (const [present, phase] of late) {
      const seen = observation(job(), present)
      assert.deepEqual([seen.phase, seen.waiting], [phase, expected])
    }
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: 'm',
    }
    const unschedulable = observation(job(), pod({}, { conditions: [condition] }))
    assert.deepEqual(unschedulable.waiting, { reason: 'Unschedulable', message: 'm' })
  })

  it('takes the newest warning from the events', () => {
    const event = (reason: string, second: number, type = 'Warning') => ({
      metadata: {},
      involvedObject: {},
      type,
      reason,
      message: 'm',
      lastTimestamp: new Date(second * 1000),
    })
    const events = [event('Old', 1), event('FailedMount', 3), event('Pulled', 5, 'Normal')]
    assert.deepEqual(warning(events), { reason: 'FailedMount', message: 'm' })
    assert.equal(warning([]), undefined)
  })
})
