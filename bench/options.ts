import { parseArgs } from 'node:util'
import type { ClusterOptions } from '../test/cluster/options.ts'

export const help = `usage: ./dev bench [accepts|builds|backends|publish|cache|clone] [option...]

  accepts  webhooks stored per second: kanihook's receiver with a Redis of its own against a bare
           Node server that verifies, parses, and stores nothing
  builds   what kanihook adds to a build, from git push to the status on the commit, against the same
           Job created by nothing but the Kubernetes API
  backends the same build as a Job and as a TaskRun of a real Tekton
  publish  the same build, pushed by Kaniko, and by a container of its own (publish: apart)
  cache    what the layer cache saves: the second build of a commit, unchanged and slightly changed,
           against the first, with the cache off, on, and with copyLayers
  clone    one commit of a long history, fetched by its id as kanihook does, against Kaniko's own clone
           of a git:// context (root, Linux)
The first two, unless one is named. Baseline and kanihook take turns in one run: compare their ratio between
machines, not their figures. All traffic stays on this machine, and everything started is ended.

  --json             print JSON instead of tables
  --rounds N         accepts: turns of each side (5)
  --requests N       accepts: requests in one turn (10000)
  --connections N    accepts: kept-alive connections at once (32)
  --burst N          accepts: deliveries that come at one moment, each over a connection of its own (1000)
  --profile DIR      accepts: write a CPU profile of kanihook there (node --cpu-prof)
  --builds N         builds: pushes, and as many bare Jobs; backends, publish: builds of each (20)
  --cache-rounds N   cache: turns of nine builds (3)
  --commits N        clone: commits of the repository (10000)
  --clone-rounds N   clone: turns of each side (5)
  --state-dir DIR, --link NAME, --subnet CIDR, --port-base PORT
                     builds, backends, publish, cache: the test cluster, as of node test/cluster/cli.ts --help; one that
                     was up stays up
  --help             this text

Exit code: 0, 1 when something failed, 64 wrong use.
`

export const benchmarks = ['accepts', 'builds', 'backends', 'publish', 'cache', 'clone'] as const
export type Benchmark = (typeof benchmarks)[number]

/** Without the one that has to build a Tekton first, and what is of Kaniko alone. */
const usual: readonly Benchmark[] = ['accepts', 'builds']

export interface Options {
  readonly help: boolean
  readonly json: boolean
  readonly benchmarks: readonly Benchmark[]
  readonly rounds: number
  readonly requests: number
  readonly connections: number
  readonly burst: number
  readonly profile: string | undefined
  readonly builds: number
  readonly cacheRounds: number
  readonly commits: number
  readonly cloneRounds: number
  readonly cluster: ClusterOptions
}

/** Reads the command line. Throws TypeError with a sentence for its user. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      requests: { type: 'string', default: '10000' },
      connections: { type: 'string', default: '32' },
      burst: { type: 'string', default: '1000' },
      profile: { type: 'string' },
      builds: { type: 'string', default: '20' },
      'cache-rounds': { type: 'string', default: '3' },
      commits: { type: 'string', default: '10000' },
      'clone-rounds': { type: 'string', default: '5' },
      'state-dir': { type: 'string' },
      link: { type: 'string' },
      subnet: { type: 'string' },
      'port-base': { type: 'string' },
    },
  })
  const { 'state-dir': stateDir, link, subnet, 'port-base': portBase } = values
  return {
    help: values.help,
    json: values.json,
    benchmarks: positionals.length > 0 ? positionals.map(benchmark) : usual,
    rounds: count('--rounds', values.rounds, 100),
    requests: count('--requests', values.requests, 100_000),
    connections: count('--connections', values.connections, 2_000),
    burst: count('--burst', values.burst, 2_000),
    profile: values.profile,
    builds: count('--builds', values.builds, 500),
    cacheRounds: count('--cache-rounds', values['cache-rounds'], 50),
    commits: count('--commits', values.commits, 100_000),
    cloneRounds: count('--clone-rounds', values['clone-rounds'], 50),
    cluster: {
      ...(stateDir !== undefined && { stateDir }),
      ...(link !== undefined && { link }),
      ...(subnet !== undefined && { subnet }),
      ...(portBase !== undefined && { portBase: count('--port-base', portBase, 65_500) }),
    },
  }
}

function benchmark(name: string): Benchmark {
  const found = benchmarks.find((known) => known === name)
  if (!found) throw new TypeError(`no benchmark is called ${name}: ${benchmarks.join(' or ')}`)
  return found
}

function count(option: string, text: string, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new TypeError(`${option} is a number from 1 to ${most}, not ${text}`)
  }
  return value
}
