#!/usr/bin/env node
import { parseArgs } from 'node:util'
import manifest from '../package.json' with { type: 'json' }
import { ConfigError } from './errors.ts'
import { listenForStop } from './stop-signals.ts'

// What a command needs is loaded when it runs: signals are heard before, and --help is quick.

const usage = `kanihook ${manifest.version}: a git push becomes a container image and a commit status

  kanihook serve          receive webhooks and run builds (KANIHOOK_ROLES=receiver,worker)
  kanihook check [file]   validate kanihook.yaml without starting (default: $KANIHOOK_CONFIG)
  kanihook doctor         look at Redis, the cluster, forges, registries, PUBLIC_URL and the clock,
                          and say what to do (--json: for programs)

  --help, -h              this text
  --version, -v           the version

Settings come from the environment: see .env.example. Repositories and images: see
kanihook.example.yaml. SIGTERM and SIGINT stop in good order; a second one at once. Exit codes:
0 well, 64 wrong use, 78 bad settings; of doctor also 1 warnings, 2 errors.`

/** sysexits.h: wrong use of the command, no port to listen on, bad settings. */
const exUsage = 64
const exOsError = 71
const exConfig = 78

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      json: { type: 'boolean', default: false },
    },
  })
  const [command, ...rest] = positionals
  if (values.help || (command === 'help' && rest.length === 0)) return say(usage)
  if (values.version) return say(manifest.version)
  if (command === 'doctor' && rest.length === 0) return doctor(values.json)
  if (values.json) return misuse('--json belongs to doctor')
  if (command === 'serve' && rest.length === 0) {
    const signals = listenForStop()
    const { serve } = await import('./serve.ts')
    await serve(signals)
    // Connections that were given up are not waited for.
    process.exit(0)
  }
  if (command === 'check' && rest.length <= 1) return check(rest[0])
  return misuse(command === undefined ? undefined : `no such command: ${positionals.join(' ')}`)
}

function misuse(message: string | undefined): number {
  console.error(message === undefined ? usage : `kanihook: ${message}\n\n${usage}`)
  return exUsage
}

function say(text: string): number {
  console.log(text)
  return 0
}

async function check(file: string | undefined): Promise<number> {
  const { checkConfig } = await import('./settings/check.ts')
  const { lines, exitCode } = await checkConfig(
    file ?? process.env['KANIHOOK_CONFIG'] ?? 'kanihook.yaml',
  )
  const write = exitCode === 0 ? console.log : console.error
  for (const line of lines) write(line)
  return exitCode
}

async function doctor(json: boolean): Promise<number> {
  const { runDoctor } = await import('./doctor/command.ts')
  const { forges } = await import('./forges/index.ts')
  const { loadKubeConfig } = await import('./cluster/kube-config.ts')
  const exitCode = await runDoctor({
    env: process.env,
    drivers: forges,
    kubeConfig: loadKubeConfig,
    json,
    colour: process.stdout.isTTY && !process.env['NO_COLOR'],
    print: console.log,
  })
  // What hangs is in the report, and must not hold the process.
  setTimeout(() => process.exit(exitCode), 1_000).unref()
  return exitCode
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof ConfigError) {
    console.error(
      `kanihook cannot start with these settings:\n${error.faults.map((fault) => `  ${fault}`).join('\n')}`,
    )
    process.exitCode = exConfig
  } else if (
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS')
  ) {
    console.error(`kanihook: ${error.message}\n\n${usage}`)
    process.exitCode = exUsage
  } else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    console.error(`kanihook cannot start: ${error.message}: set PORT or ADMIN_PORT to a free one`)
    process.exitCode = exOsError
  } else {
    throw error
  }
}
