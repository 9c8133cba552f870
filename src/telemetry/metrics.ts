import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { EndedBuild } from './ended-build.ts'
import { createImageLabels } from './image-labels.ts'

/** What the parts of kanihook count. Durations are seconds, as Prometheus wants them. */
export interface Metrics {
  /** A webhook request has ended. */
  delivery(forge: string, decision: string, seconds: number): void
  build(ended: EndedBuild): void
  /** A status was posted to a forge, or refused by it: for that reason. */
  status(forge: string, result: 'posted' | 'refused', reason?: string): void
  /** A forge is left in peace, as it has had enough or does not answer. */
  hold(forge: string, why: 'limited' | 'away'): void
  /** A commit shows the first status, or the last one, of a push that was heard of so many seconds before. */
  shown(status: 'first' | 'last', seconds: number): void
  /** A repository's refs were looked at for pushes that nobody told of, or could not be. */
  swept(forge: string, result: 'done' | 'failed', seconds: number): void
  /** Such a push was found. */
  found(forge: string): void
  /** The forge was asked to send a failed delivery again. */
  redelivered(forge: string): void
  /** Gives the depth of each queue and state when somebody asks; a failure leaves the gauge empty. */
  watchQueues(read: () => Promise<readonly QueueDepth[]>): void
  /** Asks, when somebody looks, whether the configuration file on disk is refused. */
  watchConfig(isRefused: () => boolean): void
  /** Everything in Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

export interface QueueDepth {
  readonly queue: string
  /** BullMQ's: `waiting`, `active`, `delayed`, `failed`… */
  readonly state: string
  readonly jobs: number
}

/** The process's metrics, in a registry of its own: two in one process do not meet. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const labelsOf = createImageLabels()

  const deliveries = new Counter({
    name: 'kanihook_deliveries_total',
    help: 'Webhook requests by forge and by what was decided.',
    labelNames: ['forge', 'decision'],
    registers,
  })
  const deliverySeconds = new Histogram({
    name: 'kanihook_delivery_duration_seconds',
    help: 'From the headers of a webhook request to its answer.',
    labelNames: ['forge'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const builds = new Counter({
    name: 'kanihook_builds_total',
    help: 'Builds that have ended, by state, repository and image.',
    labelNames: ['state', 'repository', 'image'],
    registers,
  })
  const imageSeconds = new Counter({
    name: 'kanihook_image_build_seconds_total',
    help: "From the start of builds' Jobs to their ends, added up, by state, repository and image.",
    labelNames: ['state', 'repository', 'image'],
    registers,
  })
  const stepSeconds = new Histogram({
    name: 'kanihook_build_step_duration_seconds',
    help: 'How long builds that ended were at each of their steps.',
    labelNames: ['step'],
    buckets: [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
    registers,
  })
  const shownSeconds = new Histogram({
    name: 'kanihook_push_status_seconds',
    help: 'From the arrival of a delivery to the first and to the last status of its builds.',
    labelNames: ['status'],
    buckets: [0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
    registers,
  })
  const buildSeconds = new Histogram({
    name: 'kanihook_build_duration_seconds',
    help: "From the start of a build's Job to its end.",
    labelNames: ['state'],
    buckets: [5, 10, 20, 40, 60, 120, 300, 600, 1200, 1800, 3600],
    registers,
  })
  const statuses = new Counter({
    name: 'kanihook_statuses_total',
    help: 'Commit statuses by forge, result and, where they were refused, reason.',
    labelNames: ['forge', 'result', 'reason'],
    registers,
  })
  const holds = new Counter({
    name: 'kanihook_forge_holds_total',
    help: 'Times that a forge was left in peace, by forge and reason.',
    labelNames: ['forge', 'why'],
    registers,
  })
  const sweeps = new Counter({
    name: 'kanihook_sweep_runs_total',
    help: "Looks at a repository's refs for pushes that no delivery told of, by forge and result.",
    labelNames: ['forge', 'result'],
    registers,
  })
  const sweepSeconds = new Histogram({
    name: 'kanihook_sweep_duration_seconds',
    help: 'How long such a look at one repository took.',
    labelNames: ['forge'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    registers,
  })
  const sweepFound = new Counter({
    name: 'kanihook_sweep_found_total',
    help: 'Pushes that no delivery told of, found by such a look.',
    labelNames: ['forge'],
    registers,
  })
  const redeliveries = new Counter({
    name: 'kanihook_sweep_redeliveries_total',
    help: 'Failed deliveries that the forge was asked to send again.',
    labelNames: ['forge'],
    registers,
  })

  return {
    delivery(forge, decision, seconds) {
      deliveries.inc({ forge, decision })
      deliverySeconds.observe({ forge }, seconds)
    },
    build({ state, repository, image, seconds, steps }) {
      const labels = { state, ...labelsOf({ repository, image }) }
      builds.inc(labels)
      if (seconds === undefined) return
      buildSeconds.observe({ state }, seconds)
      imageSeconds.inc(labels, seconds)
      for (const [step, atIt] of steps) stepSeconds.observe({ step }, atIt)
    },
    shown: (status, seconds) => shownSeconds.observe({ status }, seconds),
    status: (forge, result, reason = '') => statuses.inc({ forge, result, reason }),
    hold: (forge, why) => holds.inc({ forge, why }),
    swept(forge, result, seconds) {
      sweeps.inc({ forge, result })
      sweepSeconds.observe({ forge }, seconds)
    },
    found: (forge) => sweepFound.inc({ forge }),
    redelivered: (forge) => redeliveries.inc({ forge }),
    watchQueues(read) {
      const depth = new Gauge({
        name: 'kanihook_queue_jobs',
        help: 'Jobs by queue and state.',
        labelNames: ['queue', 'state'],
        registers,
        async collect() {
          depth.reset()
          const depths = await read().catch(() => [])
          for (const { queue, state, jobs } of depths) depth.set({ queue, state }, jobs)
        },
      })
    },
    watchConfig(isRefused) {
      const gauge: Gauge = new Gauge({
        name: 'kanihook_config_refused',
        help: '1 while the configuration file on disk is refused and one before it is in force, else 0.',
        registers,
        collect: () => gauge.set(isRefused() ? 1 : 0),
      })
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
