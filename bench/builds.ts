import { KubeConfig } from '@kubernetes/client-node'
import type { TestCluster } from '../test/cluster/cluster.ts'
import type { TestRepository } from '../test/e2e/support/repository.ts'
import { createWorld } from '../test/e2e/support/world.ts'
import { bareManifest, buildBarely, type BareBuild } from './builds/bare-build.ts'
import { buildByPush, type KanihookBuild } from './builds/kanihook-build.ts'
import { compare, type BuildsResult } from './builds/results.ts'
import { watchJobs } from './builds/sightings.ts'
import { benchCluster, type ClusterUse } from './cluster.ts'

export interface BuildsOptions extends ClusterUse {
  readonly builds: number
}

/**
 * Builds one after the other on the test cluster: a push that kanihook builds, then the same Job
 * without kanihook, of a repository of the same content, and again. The first of each is not counted.
 */
export async function benchBuilds(options: BuildsOptions): Promise<BuildsResult> {
  const { builds, signal, progress } = options
  await using stack = new AsyncDisposableStack()
  const cluster = await benchCluster(options, stack)

  const world = stack.adopt(
    await createWorld({
      repositories: ({ registry, forgeHost }) => entry(registry, forgeHost),
      // The bare Job's containers run one after the other, as they do unless one arranges it.
      settings: () => ({ KANIKO_SHELL: '/busybox/sh' }),
    }),
    (world) => world.close(),
  )
  const sightings = stack.adopt(
    await watchJobs(loadKubeConfig(cluster.kubeconfig), cluster.namespace),
    (watch) => watch.close(),
  )
  const workers = loadKubeConfig(cluster.workerKubeconfig)
  const hooked = await world.repository('bench')
  const plain = await world.repository('bench-bare', { hook: false })

  async function pair(round: number): Promise<{ kanihook: KanihookBuild; bare: BareBuild }> {
    const sha = await commit(hooked, cluster, round)
    const kanihook = await unless(
      signal,
      buildByPush({ kanihook: world.kanihook, repository: hooked, sightings, sha }),
    )
    const source = await bareSource(plain, cluster, round)
    const manifest = bareManifest(kanihook.sighting.job, source, jobSettings(cluster))
    const bare = await unless(signal, buildBarely(workers, sightings, manifest, source.credential))
    return { kanihook, bare }
  }

  progress('builds: warming up')
  await pair(0)
  const pairs: { kanihook: KanihookBuild; bare: BareBuild }[] = []
  for (let round = 1; round <= builds; round++) {
    pairs.push(await pair(round))
    progress(`builds: ${round} of ${builds}`)
  }
  return compare(pairs)
}

const entry = (registry: string, forgeHost: string): string => `
  - match: "${forgeHost}/dev/*"
    branches: [main]
    images:
      - name: app
        destination: ${registry}/dev/{repo}
`

/** A Dockerfile with little to do, so that what is around it shows. */
const commit = (repository: TestRepository, { baseImage }: TestCluster, round: number) =>
  repository.commit({
    Dockerfile: `FROM ${baseImage}\nCOPY content.txt /content.txt\nRUN test -s /content.txt\n`,
    'content.txt': `round ${round}\n`,
  })

async function bareSource(repository: TestRepository, cluster: TestCluster, round: number) {
  const sha = await commit(repository, cluster, round)
  await repository.push('main')
  const { id, path } = repository
  const { url, username, token } = cluster.gitea
  const credential = { username, password: token }
  return { id: `${id}`, path, sha, cloneUrl: `${url}/${path}.git`, credential }
}

const jobSettings = ({ registry, ...cluster }: TestCluster) => ({
  scanImage: '',
  ...cluster,
  registries: [{ host: registry.host, insecure: true, skipTlsVerify: false, mirror: undefined }],
})

function loadKubeConfig(path: string): KubeConfig {
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(path)
  return kubeConfig
}

/** The work, unless the signal aborts first. */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort))
}
