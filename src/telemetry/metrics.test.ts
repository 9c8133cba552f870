import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndedBuild } from './ended-build.ts'
import { mostImages } from './image-labels.ts'
import { createMetrics } from './metrics.ts'

const ended = (state: string, seconds: number | undefined): EndedBuild => ({
  state,
  repository: 'git.acme.io/acme/app',
  image: 'api',
  seconds,
  steps: new Map([
    ['queued', 1.5],
    ['building', 40],
  ]),
})

describe('the metrics', () => {
  it('count deliveries, builds and statuses, each with what it took', async () => {
    const metrics = createMetrics()
    metrics.delivery('github', 'accepted', 0.004)
    metrics.delivery('github', 'accepted', 0.02)
    metrics.build(ended('succeeded', 42))
    metrics.build(ended('superseded', undefined))
    metrics.shown('first', 0.3)
    metrics.shown('last', 45)
    metrics.status('gitlab', 'posted')
    metrics.status('gitlab', 'refused', 'access')
    metrics.swept('gitea', 'done', 0.3)
    metrics.swept('gitea', 'failed', 10)
    metrics.found('gitea')
    metrics.redelivered('github')
    const text = await metrics.text()
    for (const line of [
      'kanihook_deliveries_total{forge="github",decision="accepted"} 2',
      'kanihook_delivery_duration_seconds_bucket{le="0.005",forge="github"} 1',
      'kanihook_builds_total{state="succeeded",repository="git.acme.io/acme/app",image="api"} 1',
      'kanihook_builds_total{state="superseded",repository="git.acme.io/acme/app",image="api"} 1',
      'kanihook_image_build_seconds_total{state="succeeded",repository="git.acme.io/acme/app",image="api"} 42',
      'kanihook_build_step_duration_seconds_sum{step="queued"} 1.5',
      'kanihook_build_step_duration_seconds_bucket{le="60",step="building"} 1',
      'kanihook_push_status_seconds_bucket{le="0.5",status="first"} 1',
      'kanihook_push_status_seconds_sum{status="last"} 45',
      'kanihook_build_duration_seconds_sum{state="succeeded"} 42',
      'kanihook_statuses_total{forge="gitlab",result="posted",reason=""} 1',
      'kanihook_statuses_total{forge="gitlab",result="refused",reason="access"} 1',
      'kanihook_sweep_runs_total{forge="gitea",result="done"} 1',
      'kanihook_sweep_runs_total{forge="gitea",result="failed"} 1',
      'kanihook_sweep_duration_seconds_sum{forge="gitea"} 10.3',
      'kanihook_sweep_found_total{forge="gitea"} 1',
      'kanihook_sweep_redeliveries_total{forge="github"} 1',
    ]) {
      assert(text.includes(`${line}\n`), line)
    }
    assert(!text.includes('kanihook_build_duration_seconds_sum{state="superseded"}'))
    assert.match(metrics.contentType, /^text\/plain/)
  })

  it('name so many images and no more, however many there are', async () => {
    const metrics = createMetrics()
    for (let i = 0; i < mostImages + 50; i += 1) {
      for (const repository of ['git.acme.io/a', 'git.acme.io/b']) {
        metrics.build({ ...ended('succeeded', 1), repository, image: `image-${i}` })
      }
    }
    const lines = (await metrics.text())
      .split('\n')
      .filter((line) => line.startsWith('kanihook_builds_total{'))
    assert.equal(lines.length, mostImages + 1)
    assert.equal(
      lines.at(-1),
      'kanihook_builds_total{state="succeeded",repository="other",image="other"} 300',
    )
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
