import type { TestCluster } from '../test/cluster/cluster.ts'
import { startTekton } from '../test/cluster/tekton.ts'
import type { TestRepository } from '../test/e2e/support/repository.ts'
import { createWorld, rightLogin } from '../test/e2e/support/world.ts'
import { eventually } from '../test/support/eventually.ts'
import type { KanihookProcess, LogEntry } from '../test/support/kanihook-process.ts'
import type { BuildsOptions } from './builds.ts'
import { patienceMs } from './builds/kanihook-build.ts'
import { ratios, summarise, type Summary } from './statistics.ts'
import { percentRange, range, table } from './table.ts'
import { benchCluster } from './cluster.ts'

/** From the moment before the object is made to Gitea's answer that it took the success, in milliseconds. */
export interface WaysResult {
  readonly builds: number
  readonly ways: readonly {
    readonly name: string
    readonly ms: Summary
    /** Against the first way, in the same round. */
    readonly ratio: Summary
  }[]
}

interface Way {
  readonly name: string
  /** What its image says in kanihook.yaml. */
  readonly settings: string
}

/** As Tekton's documentation advises where no sidecars are injected: the first step waits for none. */
const featureFlags = { 'running-in-environment-with-injected-sidecars': 'false' }

/** The same build as a Job and as a TaskRun of a real Tekton, in turns. */
export const benchBackends = (options: BuildsOptions): Promise<WaysResult> =>
  benchWays(
    options,
    [
      { name: 'Job', settings: 'backend: job' },
      { name: 'TaskRun', settings: 'backend: tekton' },
    ],
    async (cluster, stack) => {
      const tekton = await startTekton(cluster, { onProgress: options.progress, featureFlags })
      stack.adopt(tekton, (each) => each.stop())
    },
  )

/** The same build, pushed by Kaniko and by a container of its own, in turns. */
export const benchPublishing = (options: BuildsOptions): Promise<WaysResult> =>
  benchWays(options, [
    { name: 'together', settings: 'publish: together' },
    { name: 'apart', settings: `publish: apart, pullSecret: ${rightLogin}` },
  ])

/** The first build of each way is not counted. */
async function benchWays(
  options: BuildsOptions,
  ways: readonly Way[],
  prepare?: (cluster: TestCluster, stack: AsyncDisposableStack) => Promise<void>,
): Promise<WaysResult> {
  const { builds, signal, progress } = options
  await using stack = new AsyncDisposableStack()
  const cluster = await benchCluster(options, stack)
  await prepare?.(cluster, stack)
  signal.throwIfAborted()
  const world = stack.adopt(
    await createWorld({
      repositories: ({ registry, forgeHost }) => entries(ways, registry, forgeHost),
    }),
    (each) => each.close(),
  )
  const runs = await Promise.all(
    ways.map(async ({ name }, index) => ({
      name,
      repository: await world.repository(`bench-${index}`),
      times: [] as number[],
    })),
  )
  for (let round = 0; round <= builds; round++) {
    for (const { repository, times } of runs) {
      signal.throwIfAborted()
      const ms = await build(world.kanihook, repository, cluster, round)
      if (round > 0) times.push(ms)
    }
    progress(`${ways.map(({ name }) => name).join(', ')}: ${round} of ${builds}`)
  }
  const [first] = runs
  return {
    builds,
    ways: runs.map(({ name, times }) => ({
      name,
      ms: summarise(times),
      ratio: ratios(times, first!.times),
    })),
  }
}

const entries = (ways: readonly Way[], registry: string, forgeHost: string): string =>
  ways
    .map(
      ({ settings }, index) => `
  - match: "${forgeHost}/dev/bench-${index}-*"
    branches: [main]
    images: [{ name: app, destination: "${registry}/dev/{repo}", ${settings} }]
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
  if (ended['state'] !== 'succeeded') throw new Error(`build: ${JSON.stringify(ended)}`)
  const posted = await logged('a success', ({ msg, state }) => {
    return msg === 'status posted' && state === 'success'
  })
  return Date.parse(posted.time) - Date.parse(started.time)
}

export function waysTable(title: string, { builds, ways: [first, ...others] }: WaysResult): string {
  return [
    `${title}: ${builds} builds of each, one at a time, in turns; median (min–max)`,
    '',
    table(
      ['about to create → success in Gitea', 'ms'],
      [
        [first!.name, range(first!.ms)],
        ...others.flatMap(({ name, ms, ratio }) => [
          [name, range(ms)],
          [`${name} against ${first!.name}`, percentRange(ratio)],
        ]),
      ],
    ),
  ].join('\n')
}
