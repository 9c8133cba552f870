import type { KubeConfig } from '@kubernetes/client-node'
import type { Redis } from 'ioredis'
import { isEnded, type Build } from './builds/build.ts'
import { jobsOf } from './builds/parts.ts'
import { createPlanner, type PlanResult } from './builds/plan.ts'
import type { Delivery, Repository } from './builds/push-event.ts'
import { createOrphanRemoval } from './builds/orphans.ts'
import { createRestore, type KeptJob } from './builds/restore.ts'
import { createRunner } from './builds/run-build.ts'
import type { Cluster } from './builds/ports.ts'
import type { Rules } from './builds/rules.ts'
import { createClusters } from './cluster/clusters.ts'
import { createCloneLogins } from './cluster/clone-login.ts'
import { jobSettings } from './cluster/job-manifest.ts'
import { createSecretValues } from './cluster/secret-values.ts'
import { tidyTaskRuns } from './cluster/tekton/tidy.ts'
import { clientsOf, sourceOf } from './forges/clients.ts'
import type { ForgeDriver } from './forges/forge.ts'
import { createGitRemote } from './git/git-remote.ts'
import type { Links } from './pages/links.ts'
import { createBudgets } from './queue/budgets.ts'
import { deliveriesQueue, type OpenDeliveryQueue } from './queue/deliveries.ts'
import { watchForLoss } from './queue/loss.ts'
import { connectPatient } from './queue/redis.ts'
import { roomForBuilds } from './queue/room.ts'
import { createStopRequests } from './queue/stop-requests.ts'
import { createStores } from './queue/stores.ts'
import { askForSweeps, sweepsQueue } from './queue/sweep-queue.ts'
import { createSweepStore } from './queue/sweep-store.ts'
import { createWatchdog } from './queue/watchdog.ts'
import { createQueueWorker } from './queue/worker.ts'
import { buildsQueue, createWorkQueues, statusesQueue } from './queue/work-queues.ts'
import { repeat } from './repeat.ts'
import type { RegistrySettings, Settings } from './settings/settings.ts'
import { statusId } from './statuses/context.ts'
import { createHoldJournal, createStatusJournal } from './statuses/journal.ts'
import { createReporter } from './statuses/reporter.ts'
import { createSweepJournal } from './sweep/journal.ts'
import { createLook } from './sweep/look.ts'
import { sweptRepositories } from './sweep/names.ts'
import { createRedeliveries } from './sweep/redeliveries.ts'
import { createSweep } from './sweep/sweep.ts'
import { untilAborted } from './sweep/until-aborted.ts'
import { endedBuild } from './telemetry/ended-build.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Metrics } from './telemetry/metrics.ts'

export interface WorkerRoleOptions {
  readonly settings: Settings
  readonly drivers: readonly ForgeDriver[]
  readonly rules: Rules
  readonly registries: () => readonly RegistrySettings[]
  /** The `match` of each entry of kanihook.yaml. */
  readonly matches: () => readonly string[]
  /** Those that entries of kanihook.yaml name. */
  readonly namespaces: () => readonly string[]
  readonly kubeConfig: KubeConfig
  /** For looks at the queues that do not wait for Redis. */
  readonly boundedRedis: Redis
  readonly deliveries: OpenDeliveryQueue
  readonly links: Pick<Links, 'url'>
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface WorkerRole {
  /** Throws where the cluster cannot be reached. */
  check(): Promise<void>
  /** The queues that this process does not consume any more though it could. */
  stoppedQueues(): readonly string[]
  /** Takes no more work and hands over what runs; builds go on in the cluster. */
  close(): Promise<void>
}

/** How often Jobs are looked for that outlived their builds, in milliseconds. */
const orphansMs = 5 * 60_000

/** How long the delivery of a push may take, in milliseconds; a shorter interval between sweeps is a shorter one. */
const sweepGraceMs = 120_000

/** Joins planner, builder and reporter to their queues, the forges and the cluster. */
export function startWorkerRole(options: WorkerRoleOptions): WorkerRole {
  const {
    settings,
    drivers,
    rules,
    registries,
    matches,
    namespaces,
    kubeConfig,
    links,
    logger,
    metrics,
  } = options
  const { boundedRedis, deliveries } = options
  const redis = connectPatient(settings.redisUrl)
  const budgets = createBudgets({ redis, onHold: createHoldJournal(logger, metrics) })
  const forges = clientsOf(drivers, settings.forges, budgets)
  const { builds, logs, refs, statuses, uploads } = createStores(redis, settings)
  const queues = createWorkQueues({ redis, maxBuilds: settings.maxBuilds })
  const inBuildNamespace = { kubeConfig, namespace: settings.buildNamespace }
  const source = sourceOf(forges, createCloneLogins(inBuildNamespace))
  const secretOf = (repository: Repository): string | undefined =>
    rules.find(repository)?.cloneSecret
  const subscriber = redis.duplicate()

  const watching = new AbortController()
  const clusters = createClusters(
    {
      ...jobSettings(settings, []),
      kubeConfig,
      registries,
      onWatchLost: (message) => logger.warn({ message }, 'the watch on the pods was lost'),
    },
    watching.signal,
  )
  const cluster = clusters.of({})
  const clusterOf = ({ plan }: Pick<Build, 'plan'>): Cluster => clusters.of(plan)

  const git = createGitRemote({
    access: (repository) =>
      source.access(repository, secretOf(repository), rules.find(repository)?.namespace),
    secretOf,
  })
  const planner = createPlanner({
    git,
    refs,
    builds,
    rules,
    enqueue: queues.build,
    now: Date.now,
  })

  async function planDelivery(delivery: Delivery, signal: AbortSignal): Promise<PlanResult> {
    await roomForBuilds(redis, buildsQueue, signal)
    const result = await planned(delivery)
    const records = await Promise.all([...result.builds, ...result.superseded].map(builds.get))
    const known = records.filter((build) => build !== undefined)
    await Promise.all(known.map(told))
    const { id, event } = delivery
    const { decision, reason } = result
    const { forge, path } = event.repository
    logger.info(
      {
        delivery: id,
        forge,
        repository: path,
        ref: event.ref,
        decision,
        builds: result.builds,
        reason,
      },
      'delivery planned',
    )
    return result
  }

  async function planned(delivery: Delivery): Promise<PlanResult> {
    try {
      return await planner.plan(delivery)
    } finally {
      await pushStatus(delivery)
    }
  }

  /** One that ended while it waited gives up its place in line: nobody else tells of its end then. */
  async function told(build: Build): Promise<void> {
    if (isEnded(build.state) && (await queues.leave(build.id))) await changed(build)
    else await tell(build)
  }

  /** One status of a push waits for all of its images: where the ref has moved on, there are no more to come. */
  async function pushStatus({ event }: Delivery): Promise<void> {
    const { repository, ref, after: sha } = event
    if (rules.find(repository)?.report !== 'summary') return
    const id = statusId({ repository, ref, sha, image: '', summary: { images: [] } })
    await queues.status(id, true)
  }

  async function planFailed(delivery: Delivery, error: Error): Promise<void> {
    const { repository, ref } = delivery.event
    const facts = { delivery: delivery.id, repository: repository.path, ref }
    logger.error({ ...facts, err: error }, 'delivery cannot be planned')
    for (const id of await planner.giveUp(delivery, error.message)) {
      const build = await builds.get(id)
      if (build) await changed(build)
    }
  }

  const tell = (build: Build): Promise<void> => queues.status(statusId(build), isEnded(build.state))

  async function changed(build: Build): Promise<void> {
    await tell(build)
    const { id, state, outcome, repository, image, ref, sha } = build
    const facts = { build: id, repository: repository.path, image, ref, sha, state }
    if (!isEnded(state)) {
      logger.info(
        { ...facts, step: build.steps.at(-1)?.name, note: build.steps.at(-1)?.note },
        'build changed',
      )
      return
    }
    logger.info({ ...facts, outcome }, 'build ended')
    metrics.build(endedBuild(build))
    for (const next of await builds.mayStart(build)) await queues.buildNow(next)
  }

  const parts = {
    builds,
    refs,
    logs,
    secrets: createSecretValues(inBuildNamespace),
    source,
    uploads,
    rules,
    changed,
    stopAsked: createStopRequests(subscriber).stopAsked,
    now: Date.now,
  }
  const tidied = new Set<string>()
  // Whoever makes no TaskRuns has none to look for.
  const tidy = (namespace: string): void => {
    if (!tidied.has(namespace))
      void tidyTaskRuns({ kubeConfig, namespace, signal: watching.signal })
    tidied.add(namespace)
  }

  /** Runs a build by what its plan wants it to be in the cluster, and where. */
  async function run(id: string, signal: AbortSignal): Promise<void> {
    const build = await builds.get(id)
    if (!build) return
    const { backend, namespace = settings.buildNamespace } = build.plan
    if (backend === 'tekton') tidy(namespace)
    await createRunner({ ...parts, cluster: clusterOf(build) })(id, signal)
  }

  const report = createReporter({
    store: statuses,
    builds,
    refs,
    forges,
    pageUrl: links.url,
    posted: createStatusJournal(logger, metrics),
  })

  /** What cannot be done by any number of tries ends all the same, with the reason. */
  async function gaveUp(id: string, error: Error): Promise<void> {
    logger.error({ build: id, err: error }, 'build given up')
    const build = await builds.get(id)
    if (!build) return
    // What goes on in the cluster must not push after its build has ended.
    const soon = AbortSignal.timeout(30_000)
    const cluster = clusterOf(build)
    const removals = jobsOf(build).map((job) => cluster.remove(job, soon).catch(() => undefined))
    await Promise.all(removals)
    await changed(
      await builds.end(id, { state: 'error', reason: `kanihook failed: ${error.message}` }),
    )
  }

  const onError = (error: Error, data?: unknown): void => {
    logger.warn(
      { err: error, data: typeof data === 'string' ? data : undefined },
      'will be tried again',
    )
  }
  const { sweepIntervalMs: intervalMs } = settings
  const graceMs = Math.min(intervalMs, sweepGraceMs)
  const names = {
    rules,
    matches,
    hosts: new Map([...settings.forges].map(([forge, { url }]) => [forge, new URL(url).host])),
    knownPaths: refs.knownPaths,
  }
  const sweepStore = createSweepStore(redis)
  const journal = createSweepJournal(logger, metrics)
  const sweep = createSweep({
    names,
    look: createLook({ git, refs, forges, deliveries, now: Date.now, graceMs }),
    store: sweepStore,
    intervalMs,
    graceMs,
    now: Date.now,
    journal,
  })
  const redeliver = createRedeliveries({
    logs: new Map(
      [...forges].flatMap(([forge, { deliveryLog }]) =>
        deliveryLog ? [[forge, deliveryLog]] : [],
      ),
    ),
    hookUrl: (forge) => `${settings.publicUrl}/webhooks/${forge}`,
    repositories: async (forge) =>
      [...(await sweptRepositories(names)).values()].filter((each) => each.forge === forge),
    store: sweepStore,
    intervalMs,
    now: Date.now,
    journal,
  })
  const sweepOnce = async (signal: AbortSignal): Promise<void> => {
    await sweep(signal)
    await redeliver(signal)
  }
  const workers = [
    ...(intervalMs > 0
      ? [
          createQueueWorker<unknown, void>({
            queue: sweepsQueue,
            redis,
            concurrency: 1,
            work: (_, signal) => untilAborted(signal, () => sweepOnce(signal)),
            onError,
          }),
        ]
      : []),
    createQueueWorker({
      queue: deliveriesQueue,
      redis,
      concurrency: 10,
      // An hour of a forge that is away, however often it is asked for meanwhile; as much for one that is
      // planned again, at half a second doubled up to a minute.
      patienceMs: 3_600_000,
      patience: 70,
      work: planDelivery,
      began: deliveries.began,
      failed: planFailed,
      onError,
    }),
    createQueueWorker({
      queue: buildsQueue,
      redis,
      // The bound over all workers is the queue's own.
      concurrency: settings.maxBuilds > 0 ? settings.maxBuilds : 200,
      work: run,
      failed: gaveUp,
      onError,
    }),
    createQueueWorker({
      queue: statusesQueue,
      redis,
      concurrency: 10,
      // A day of a forge that is away.
      patienceMs: 25 * 3_600_000,
      work: report,
      failed: async (id: string, error) =>
        logger.error({ status: id, err: error }, 'status given up'),
      onError,
    }),
  ]
  const watchdogs = workers.map((worker) =>
    createWatchdog({
      worker,
      redis: boundedRedis,
      onStopped: () =>
        logger.error({ queue: worker.queue }, 'queue not consumed any more: a restart is needed'),
    }),
  )

  const sweeps =
    intervalMs > 0 ? askForSweeps(boundedRedis, Math.min(15_000, intervalMs / 4)) : undefined

  const keptJobs = {
    jobs: async () =>
      (await Promise.all(clusters.all(namespaces()).map((each) => each.kept()))).flat(),
    remove: ({ name, build }: KeptJob) =>
      clusterOf(build).remove(name, AbortSignal.timeout(30_000)),
    builds,
  }
  const restore = createRestore({
    ...keptJobs,
    refs,
    enqueue: queues.build,
    changed: tell,
  })
  const losses = watchForLoss({
    redis: boundedRedis,
    everyMs: 5_000,
    async onLoss() {
      await queues.bound()
      const restored = await restore()
      if (restored.adopted.length + restored.removed.length > 0) {
        logger.warn(restored, 'records were lost: builds restored from their Jobs')
      }
    },
    onError,
  })

  const removeOrphans = createOrphanRemoval({ ...keptJobs, now: Date.now })
  const orphans = repeat({
    everyMs: orphansMs,
    async work() {
      const removed = await removeOrphans()
      if (removed.length > 0) logger.warn({ removed }, 'Jobs removed whose builds had ended')
    },
    onError,
  })

  // History gives way where Redis is nearly full.
  const upkeep = repeat({
    everyMs: 5_000,
    async work() {
      await logs.giveWay()
      await deliveries.giveWay()
    },
    onError,
  })

  logger.info({ namespace: settings.buildNamespace }, 'worker runs')
  return {
    check: () => cluster.check(),
    stoppedQueues: () => watchdogs.filter(({ stopped }) => stopped()).map(({ queue }) => queue),
    async close() {
      losses.close()
      orphans.close()
      upkeep.close()
      await sweeps?.close()
      for (const watchdog of watchdogs) watchdog.close()
      await Promise.all(workers.map((worker) => worker.close()))
      watching.abort()
      subscriber.disconnect()
      // First, as the queues would wait for a Redis that is away.
      redis.disconnect()
      await queues.close()
    },
  }
}
