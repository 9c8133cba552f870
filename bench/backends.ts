import { backendNames, type BackendName } from '../src/builds/build.ts'
import type { TestCluster } from '../test/cluster/cluster.ts'
import { startTekton } from '../test/cluster/tekton.ts'
import type { TestRepository } from '../test/e2e/support/repository.ts'
import { createWorld } from '../test/e2e/support/world.ts'
import { eventually } from '../test/support/eventually.ts'
import type { KanihookProcess, LogEntry } from '../test/support/kanihook-process.ts'
import type { BuildsOptions } from './builds.ts'
import { patienceMs } from './builds/kanihook-build.ts'
import { ratios, summarise, type Summary } from './statistics.ts'
import { percentRange, range, table } from './table.ts'
import { benchCluster } from './cluster.ts'

/** From the moment before the object is made to Gitea's answer that it took the success, in milliseconds. */
export interface BackendsResult {
  readonly builds: number
  readonly ms: Readonly<Record<BackendName, Summary>>
  /** The TaskRun's against the Job's of the same round. */
  readonly ratio: Summary
}

/** As Tekton's documentation advises where no sidecars are injected: the first step waits for none. */
const featureFlags = { 'running-in-environment-with-injected-sidecars': 'false' }

/** The same build as a Job and as a TaskRun of a real Tekton, in turns. The first of each is not counted. */
export async function benchBackends(options: BuildsOptions): Promise<BackendsResult> {
  const { builds, signal, progress } = options
  await using stack = new AsyncDisposableStack()
  const cluster = await benchCluster(options, stack)
  const tekton = await startTekton(cluster, { onProgress: progress, featureFlags })
  stack.adopt(tekton, (each) => each.stop())
  signal.throwIfAborted()
  const world = stack.adopt(
    await createWorld({ repositories: ({ registry, forgeHost }) => entries(registry, forgeHost) }),
    (each) => each.close(),
  )
  const repositories = {
    job: await world.repository('bench-job'),
    tekton: await world.repository('bench-tekton'),
  }
  const times: Record<BackendName, number[]> = { job: [], tekton: [] }
  for (let round = 0; round <= builds; round++) {
    for (const backend of backendNames) {
      signal.throwIfAborted()
      const ms = await build(world.kanihook, repositories[backend], cluster, round)
      if (round > 0) times[backend].push(ms)
    }
    progress(`backends: ${round} of ${builds}`)
  }
  return {
    builds,
    ms: { job: summarise(times.job), tekton: summarise(times.tekton) },
    ratio: ratios(times.tekton, times.job),
  }
}

const entries = (registry: string, forgeHost: string): string =>
  backendNames
    .map(
      (backend) => `
  - match: "${forgeHost}/dev/bench-${backend}-*"
    branches: [main]
    images: [{ name: app, backend: ${backend}, destination: "${registry}/dev/{repo}" }]
`,
    )
    .join('')

async function build(
  kanihook: KanihookProcess,
  repository: TestRepository,
  { baseImage }: TestCluster,
  round: number,
): Promise<number> {
  const from = kanihook.log.length
  const logged = (what: string, match: (line: LogEntry) => boolean): Promise<LogEntry> =>
    eventually(() => kanihook.log.slice(from).find(match), {
      within: patienceMs,
      what: `kanihook logs ${what}`,
    })
  const sha = await repository.commit({
    Dockerfile: `FROM ${baseImage}\nCOPY content.txt /content.txt\nRUN test -s /content.txt\n`,
    'content.txt': `round ${round}\n`,
  })
  await repository.push('main')
  const started = await logged('the start', ({ msg, sha: of, step }) => {
    return msg === 'build changed' && of === sha && step === 'starting'
  })
  const ended = await logged('the end', ({ msg, sha: of }) => msg === 'build ended' && of === sha)
  if (ended['state'] !== 'succeeded') throw new Error(`backends: ${JSON.stringify(ended)}`)
  const posted = await logged('a success', ({ msg, state }) => {
    return msg === 'status posted' && state === 'success'
  })
  return Date.parse(posted.time) - Date.parse(started.time)
}

export function backendsTable({ builds, ms, ratio }: BackendsResult): string {
  return [
    `backends: ${builds} builds of each, one at a time, in turns; median (min–max)`,
    '',
    table(
      ['about to create → success in Gitea', 'ms'],
      [
        ['Job', range(ms.job)],
        ['TaskRun', range(ms.tekton)],
        ['TaskRun against Job', percentRange(ratio)],
      ],
    ),
  ].join('\n')
}
