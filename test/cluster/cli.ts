#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { downCluster, loadCluster, processStates, upCluster } from './cluster.ts'
import { resolveOptions, type ClusterOptions } from './options.ts'
import { createProgress } from './support/progress.ts'

const help = `usage: node test/cluster/cli.ts up|down|env|status [option]...

  up      bring up a cluster for tests with a registry and a Gitea; nothing happens if it is up
  down    end all of it and remove what it wrote
  env     print how to reach it, as JSON (secrets included)
  status  print which of its processes run; exit code 1 if it is not wholly up

The nodes come from KUBECONFIG if that is set, else from kind where Docker runs, else, for root on
Linux, from plain processes on this machine. TEST_CLUSTER_PROVIDER=kind|single-node chooses.

  --state-dir DIR      all of its files (default: \${XDG_STATE_HOME:-/tmp}/kanihook-cluster)
  --link NAME          network link to a single node (default: kanihook0)
  --subnet CIDR        its addresses, services and pods included (default: 10.87.0.0/24)
  --port-base PORT     the first of ten ports (default: 21600)
  --host-address IP    this machine's address as pods reach it; also HOST_ADDRESS
`

const progress = createProgress((line) => process.stderr.write(line))

const commands: Record<string, (options: ClusterOptions) => Promise<void>> = {
  async up(options) {
    const cluster = await upCluster({ ...options, onProgress: progress })
    progress('the cluster is up')
    console.log(`export KUBECONFIG=${cluster.kubeconfig}`)
  },
  async down(options) {
    await downCluster({ ...options, onProgress: progress })
    progress('the cluster is down')
  },
  async env(options) {
    const cluster = await loadCluster(options)
    if (!cluster) throw new Error('no cluster is up: see `status`, or bring one `up`')
    console.log(JSON.stringify(cluster, undefined, 2))
  },
  async status(options) {
    for (const [name, runs] of Object.entries(processStates(options))) {
      console.log(`${runs ? 'running' : 'ended  '}  ${name}`)
    }
    const cluster = await loadCluster(options)
    const { stateDir } = resolveOptions(options)
    console.log(cluster ? `up (${cluster.provider}, in ${stateDir})` : `not up (in ${stateDir})`)
    if (!cluster) process.exitCode = 1
  },
}

function parse(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      'state-dir': { type: 'string' },
      link: { type: 'string' },
      subnet: { type: 'string' },
      'port-base': { type: 'string' },
      'host-address': { type: 'string' },
    },
  })
  const [name = '', ...rest] = positionals
  const { 'state-dir': stateDir, link, subnet, 'host-address': hostAddress } = values
  const portBase = values['port-base'] === undefined ? undefined : Number(values['port-base'])
  const given = Object.entries({ stateDir, link, subnet, portBase, hostAddress })
  const options = Object.fromEntries(given.filter(([, value]) => value !== undefined))
  return {
    help: values.help ?? false,
    command: rest.length === 0 ? commands[name] : undefined,
    options,
  }
}

try {
  const { command, options, help: asked } = parse(process.argv.slice(2))
  if (asked) process.stdout.write(help)
  else if (command) await command(options)
  else {
    process.stderr.write(help)
    process.exitCode = 64
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
