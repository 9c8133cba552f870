import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics } from './metrics.ts'

describe('the metrics', () => {
  it('count deliveries, builds and statuses, each with what it took', async () => {
    const metrics = createMetrics()
    metrics.delivery('github', 'accepted', 0.004)
    metrics.delivery('github', 'accepted', 0.02)
    metrics.build('succeeded', 42)
    metrics.build('superseded', undefined)
    metrics.status('gitlab', 'posted')
    const text = await metrics.text()
    for (const line of [
      'kanihook_deliveries_total{forge="github",decision="accepted"} 2',
      'kanihook_delivery_duration_seconds_bucket{le="0.005",forge="github"} 1',
      'kanihook_builds_total{state="succeeded"} 1',
      'kanihook_builds_total{state="superseded"} 1',
      'kanihook_build_duration_seconds_sum{state="succeeded"} 42',
      'kanihook_statuses_total{forge="gitlab",result="posted"} 1',
    ]) {
      assert(text.includes(`${line}\n`), line)
    }
    assert(!text.includes('kanihook_build_duration_seconds_sum{state="superseded"}'))
    assert.match(metrics.contentType, /^text\/plain/)
  })

  it('ask for the depth of the queues when somebody looks, and show nothing stale', async () => {
    const metrics = createMetrics()
    let read = async () => [{ queue: 'builds', state: 'waiting', jobs: 3 }]
    metrics.watchQueues(() => read())
    const line = 'kanihook_queue_jobs{queue="builds",state="waiting"} 3\n'
    assert((await metrics.text()).includes(line))
    read = async () => {
      throw new Error('Redis is gone')
    }
    assert(!(await metrics.text()).includes(line))
  })

  it('say whether the configuration on disk is refused, as it is when somebody looks', async () => {
    const metrics = createMetrics()
    let refused = false
    metrics.watchConfig(() => refused)
    assert((await metrics.text()).includes('kanihook_config_refused 0\n'))
    refused = true
    assert((await metrics.text()).includes('kanihook_config_refused 1\n'))
  })
})
