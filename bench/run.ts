import { createProgress } from '../test/cluster/support/progress.ts'
import { benchAccepts } from './accepts.ts'
import { acceptsTable } from './accepts/report.ts'
import { benchBuilds } from './builds.ts'
import { buildsTable } from './builds/report.ts'
import { benchCache } from './cache.ts'
import { cacheTable } from './cache/report.ts'
import { benchClone } from './clone.ts'
import { cloneTable } from './clone/results.ts'
import { describeMachine, machineLine } from './machine.ts'
import { benchBackends, benchPublishing, waysTable } from './ways.ts'
import { help, parseOptions, type Options } from './options.ts'

/** Runs the benchmarks that are asked for: results on standard output, progress on standard error. */

async function main(options: Options, signal: AbortSignal): Promise<void> {
  const { json, benchmarks } = options
  const progress = createProgress((line) => process.stderr.write(line))
  const run = { ...options, signal, progress }
  const machine = await describeMachine()
  const print = (text: string): void => {
    if (!json) console.log(text)
  }
  const results: Record<string, unknown> = { machine }
  print(machineLine(machine))
  if (benchmarks.includes('accepts')) {
    const accepts = await benchAccepts(run)
    results['accepts'] = accepts
    print(`\n${acceptsTable(accepts)}`)
  }
  if (benchmarks.includes('builds')) {
    const builds = await benchBuilds(run)
    results['builds'] = builds
    print(`\n${buildsTable(builds)}`)
  }
  if (benchmarks.includes('backends')) {
    const backends = await benchBackends(run)
    results['backends'] = backends
    print(`\n${waysTable('backends', backends)}`)
  }
  if (benchmarks.includes('publish')) {
    const publish = await benchPublishing(run)
    results['publish'] = publish
    print(`\n${waysTable('publish', publish)}`)
  }
  if (benchmarks.includes('cache')) {
    const cache = await benchCache(run)
    results['cache'] = cache
    print(`\n${cacheTable(cache)}`)
  }
  if (benchmarks.includes('clone')) {
    const clone = await benchClone(run)
    results['clone'] = clone
    print(`\n${cloneTable(clone)}`)
  }
  if (json) console.log(JSON.stringify(results, undefined, 2))
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
}

const sentence = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

function parsed(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`bench: ${sentence(error)}\n\n${help}`)
    return undefined
  }
}

const options = parsed()
if (!options) process.exitCode = 64
else if (options.help) process.stdout.write(help)
else {
  await main(options, stop.signal).catch((error: unknown) => {
    process.stderr.write(`bench: ${sentence(error)}\n`)
    // All is undone by now; what still waits for a build that nobody needs must not hold the process.
    process.exit(1)
  })
}
