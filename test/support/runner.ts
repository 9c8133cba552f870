import { beforeEach } from 'node:test'
import type { Redis } from 'ioredis'
import type { Build, BuildPlan, ImagePlan } from '../../src/builds/build.ts'
import { describeBuild } from '../../src/builds/describe.ts'
import type { BuildStore, LogStore, RefStore } from '../../src/builds/ports.ts'
import { createRunner, type RunnerOptions } from '../../src/builds/run-build.ts'
import { createBuildStore } from '../../src/queue/build-store.ts'
import { createLogStore } from '../../src/queue/log-store.ts'
import { createRefStore } from '../../src/queue/ref-store.ts'
import { createFakeCluster, type FakeCluster } from '../stand-ins/fake-cluster.ts'
import { useRedis } from './redis.ts'
import { buildPlan, imagePlan, rulesOf } from './samples.ts'

/** A runner of builds on real records and a cluster that does what the test says. */
export interface RunnerUnderTest {
  readonly redis: { readonly client: Redis }
  readonly builds: BuildStore
  readonly logs: LogStore
  readonly refs: RefStore
  readonly cluster: FakeCluster
  /** What a status said after each change. */
  readonly shown: string[]
  run(id: string, options?: Partial<RunnerOptions>, signal?: AbortSignal): Promise<void>
  create(change?: Partial<ImagePlan>, identity?: Partial<BuildPlan>): Promise<Build>
  record(id: string): Promise<Build>
}

/** Anew for each test of the file. */
export function useRunner(): RunnerUnderTest {
  const redis = useRedis()
  let parts: Pick<RunnerUnderTest, 'builds' | 'logs' | 'refs' | 'cluster' | 'shown'>

  beforeEach(() => {
    const store = { redis: redis.client, retentionMs: 60_000 }
    parts = {
      builds: createBuildStore({ ...store, maxPerRepository: 0, now: Date.now }),
      logs: createLogStore(store),
      refs: createRefStore(redis.client),
      cluster: createFakeCluster(),
      shown: [],
    }
  })

  return {
    redis,
    get builds() {
      return parts.builds
    },
    get logs() {
      return parts.logs
    },
    get refs() {
      return parts.refs
    },
    get cluster() {
      return parts.cluster
    },
    get shown() {
      return parts.shown
    },
    run(id, options = {}, signal = new AbortController().signal) {
      const { builds, refs, cluster, logs, shown } = parts
      const runner = createRunner({
        builds,
        refs,
        cluster,
        logs,
        secrets: { of: async () => ({ values: ['registry-password'] }) },
        uploads: { find: async () => undefined },
        source: {
          access: async () => ({
            url: 'https://git.example.com/acme/app.git',
            otherUrl: 'ssh://git@git.example.com/acme/app.git',
            login: { username: 'kanihook', password: 'git-token-1234' },
          }),
        },
        rules: rulesOf(),
        now: Date.now,
        stopAsked: () => new Promise(() => undefined),
        changed: async (build) => void shown.push(describeBuild(build)),
        ...options,
      })
      return runner(id, signal)
    },
    async create(change = {}, identity = {}) {
      const plan = buildPlan({ plan: { ...imagePlan, ...change }, ...identity })
      await parts.builds.create(plan)
      return (await parts.builds.get(plan.id)) as Build
    },
    record: async (id) => (await parts.builds.get(id)) as Build,
  }
}
