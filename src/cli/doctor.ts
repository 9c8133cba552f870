import { loadKubeConfig } from '../cluster/kube-config.ts'
import { runDoctor } from '../doctor/command.ts'
import { forges } from '../forges/index.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const doctor: Command = {
  help: `kanihook doctor [--json]: look at Redis, the cluster, forges, registries, PUBLIC_URL and the clock

  --json   print the report for programs

A line for each finding: ✓ fine, ! a warning, ✗ an error with what to do. Exits with 0 where all is
fine, 1 with warnings, 2 with errors, 78 with bad settings.`,

  async run(args, { env, print, colour }) {
    const { values } = readArguments(args, { json: { type: 'boolean', default: false } })
    const { json } = values
    const exitCode = await runDoctor({
      env,
      drivers: forges,
      kubeConfig: loadKubeConfig,
      json,
      colour,
      print,
    })
    // What hangs is in the report, and must not hold the process.
    setTimeout(() => process.exit(exitCode), 1_000).unref()
    return exitCode
  },
}
