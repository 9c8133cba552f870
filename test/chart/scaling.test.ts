import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { buildsQueue } from '../../src/queue/work-queues.ts'
import { render } from './render.ts'
import { usual, valuesTable } from './values-table.ts'
import { selected, workload } from './workloads.ts'

const scaled = valuesTable.find(({ name }) => name.startsWith('receivers by CPU'))?.values ?? {}
const byMetric = valuesTable.find(({ name }) => name.endsWith('a HorizontalPodAutoscaler'))?.values
const byTrigger = valuesTable.find(({ name }) => name.endsWith('trigger of one’s own'))?.values

test('an autoscaler is asked for', async () => {
  const rendered = await render(usual)
  assert.deepEqual(
    [...rendered.all('HorizontalPodAutoscaler'), ...rendered.all('ScaledObject')],
    [],
  )
})

test('receivers scale by CPU', async () => {
  const { spec } = (await render(scaled)).one('HorizontalPodAutoscaler', 'kanihook-receiver')
  assert.equal(spec.scaleTargetRef.name, 'kanihook-receiver')
  assert.deepEqual([spec.minReplicas, spec.maxReplicas], [2, 9])
  assert.equal(spec.metrics?.[0]?.resource?.target.averageUtilization, 70)
})

test('workers scale by the builds that run and wait, as kanihook’s metrics count them', async () => {
  const { spec } = (await render(scaled)).one('ScaledObject', 'kanihook-worker')
  assert.equal(spec.scaleTargetRef.name, 'kanihook-worker')
  assert.deepEqual([spec.minReplicaCount, spec.maxReplicaCount], [2, 6])
  const [trigger] = spec.triggers
  assert.equal(trigger?.type, 'prometheus')
  assert.equal(trigger.metadata['serverAddress'], 'http://prometheus.monitoring:9090')

  const query = trigger.metadata['query'] ?? ''
  const [, metric = '', labels = ''] = /(\w+)\{(.*)\}/.exec(query) ?? []
  const metrics = createMetrics()
  metrics.watchQueues(async () => [{ queue: buildsQueue, state: 'waiting', jobs: 3 }])
  const shown = (await metrics.text()).split('\n').find((line) => line.startsWith(`${metric}{`))
  assert.equal(shown, 'kanihook_queue_jobs{queue="builds",state="waiting"} 3')
  assert.ok(labels.includes(`queue="${buildsQueue}"`))
  assert.ok(labels.includes('namespace="kanihook"'))
  assert.ok(labels.includes('service="kanihook-admin"'))
})

test('workers scale by triggers and metrics of one’s own', async () => {
  const triggered = (await render(byTrigger ?? {})).one('ScaledObject', 'kanihook-worker')
  assert.deepEqual(
    triggered.spec.triggers.map(({ type }) => type),
    ['cpu'],
  )
  const rendered = await render(byMetric ?? {})
  const { spec } = rendered.one('HorizontalPodAutoscaler', 'kanihook-worker')
  assert.equal(spec.metrics?.[0]?.external?.metric.name, 'kanihook_queue_jobs')
  assert.deepEqual(rendered.all('ScaledObject'), [])
})

test('where an autoscaler decides, an upgrade does not set the number of pods back', async () => {
  const rendered = await render(scaled)
  for (const name of ['kanihook-receiver', 'kanihook-worker']) {
    assert.equal(workload(rendered, name).spec.replicas, undefined, name)
  }
})

test('a drained node takes one pod of each Deployment at a time', async () => {
  const rendered = await render(usual)
  const budgets = rendered.all('PodDisruptionBudget')
  assert.deepEqual(
    budgets.map(({ spec }) => [
      selected(rendered, spec.selector?.matchLabels),
      spec.maxUnavailable,
    ]),
    [
      [['kanihook-receiver'], 1],
      [['kanihook-worker'], 1],
    ],
  )
  // One that is not ready serves nobody, and must not hold the drain up.
  for (const { spec } of budgets) assert.equal(spec.unhealthyPodEvictionPolicy, 'AlwaysAllow')
})

test('Prometheus finds every pod by the admin Service', async () => {
  const rendered = await render(scaled)
  const { metadata, spec } = rendered.one('ServiceMonitor', 'kanihook')
  assert.equal(metadata.labels?.['release'], 'prometheus')
  const services = rendered
    .all('Service')
    .filter(({ metadata: { labels = {} } }) =>
      Object.entries(spec.selector.matchLabels ?? {}).every(
        ([key, value]) => labels[key] === value,
      ),
    )
  assert.deepEqual(
    services.map((each) => each.metadata.name),
    ['kanihook-admin'],
  )
  assert.deepEqual([spec.endpoints[0]?.port, spec.endpoints[0]?.path], ['admin', '/metrics'])
})
