import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSchedule, faultNames, type ScheduleOptions } from './schedule.ts'

const options: ScheduleOptions = {
  seed: 7,
  deliveries: 150,
  faults: faultNames.length,
  seconds: 40,
  repositories: ['acme/one', 'acme/two'],
  branches: ['main', 'next'],
  processes: 2,
}
const seeds = Array.from({ length: 50 }, (_, seed) => seed)

test('a seed is one schedule, and another seed another', () => {
  assert.deepEqual(createSchedule(options), createSchedule(options))
  assert.notDeepEqual(createSchedule(options), createSchedule({ ...options, seed: 8 }))
})

test('there are as many pushes and faults as were asked for, and every kind of fault', () => {
  for (const seed of seeds) {
    const { pushes, faults } = createSchedule({ ...options, seed })
    assert.deepEqual([pushes.length, faults.length], [150, faultNames.length])
    assert.deepEqual(new Set(faults.map(({ name }) => name)), new Set(faultNames))
  }
})

test('no two faults have one victim at once', () => {
  for (const seed of seeds) {
    const { faults } = createSchedule({ ...options, seed, faults: 60 })
    const victims = Map.groupBy(
      faults.filter(({ name }) => !name.startsWith('deliver')),
      ({ name, target }) => `${name.split(' ')[0]} ${target}`,
    )
    for (const [victim, its] of victims) {
      for (const [index, { at, forMs }] of its.entries()) {
        const next = its[index + 1]?.at ?? Infinity
        assert.ok(at + forMs < next, `seed ${seed}: ${victim} at ${at} and ${next}`)
      }
    }
  }
})

test('a stopped worker stays so for longer than its lock', () => {
  const stopped = seeds
    .flatMap((seed) => createSchedule({ ...options, seed }).faults)
    .filter(({ name }) => name === 'worker stopped')
  assert.ok(stopped.every(({ forMs }) => forMs > 10_000))
})

test('a node that is lost stays so for longer than its pods are waited for, and few are', () => {
  for (const seed of seeds) {
    const { faults } = createSchedule({ ...options, seed, faults: 300, seconds: 600 })
    const lost = faults.filter(({ name }) => name === 'node lost')
    assert.equal(lost.length, 5)
    assert.ok(lost.every(({ forMs }) => forMs > 40_000))
  }
})

test('pushes come in the order of their times, and no webhook before its push', () => {
  for (const seed of seeds) {
    const { pushes } = createSchedule({ ...options, seed })
    assert.deepEqual(
      pushes.map(({ at }) => at),
      pushes.map(({ at }) => at).toSorted((a, b) => a - b),
    )
    for (const { at, deliveredAt } of pushes) assert.ok(deliveredAt.every((each) => each >= at))
  }
})

test('what is doubled is told twice, and what is reordered after a later push of its branch', () => {
  for (const seed of seeds) {
    const { pushes } = createSchedule({ ...options, seed })
    const doubled = pushes.filter(({ faults }) => faults.includes('delivery doubled'))
    assert.ok(doubled.length > 0)
    for (const { deliveredAt } of doubled) assert.ok(deliveredAt.length > 1)
    const late = pushes.filter(({ faults }) => faults.includes('deliveries reordered'))
    assert.ok(late.length > 0)
    for (const push of late) {
      const overtaking = pushes
        .slice(pushes.indexOf(push) + 1)
        .filter(({ repository, branch, deliveredAt }) => {
          const same = repository === push.repository && branch === push.branch
          return same && (deliveredAt[0] ?? 0) < (push.deliveredAt[0] ?? 0)
        })
      assert.ok(overtaking.length > 0, `seed ${seed}`)
    }
  }
})
