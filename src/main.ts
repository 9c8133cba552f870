#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { KubeConfig } from '@kubernetes/client-node'
import manifest from '../package.json' with { type: 'json' }
import { startApp } from './app.ts'
import { ConfigError } from './errors.ts'
import { forges } from './forges/index.ts'
import { checkConfig } from './settings/check.ts'
import { readEnvironment } from './settings/environment.ts'
import { createLiveRules } from './settings/live-rules.ts'
import { createLogger } from './telemetry/logger.ts'

const usage = `kanihook ${manifest.version}: a git push becomes a container image and a commit status

  kanihook serve          receive webhooks and run builds (KANIHOOK_ROLES=receiver,worker)
  kanihook check [file]   validate kanihook.yaml without starting (default: $KANIHOOK_CONFIG)

  --help, -h              this text
  --version, -v           the version

Settings come from the environment: see .env.example. Repositories and images: see
kanihook.example.yaml. Exit codes: 0 well, 64 wrong use, 78 bad settings.`

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
    },
  })
  const [command, ...rest] = positionals
  if (values.help || (command === 'help' && rest.length === 0)) return say(usage)
  if (values.version) return say(manifest.version)
  if (command === 'serve' && rest.length === 0) return serve()
  if (command === 'check' && rest.length <= 1) return check(rest[0])
  console.error(
    command === undefined
      ? usage
      : `kanihook: no such command: ${positionals.join(' ')}\n\n${usage}`,
  )
  return exUsage
}

function say(text: string): number {
  console.log(text)
  return 0
}

async function check(file: string | undefined): Promise<number> {
  const { lines, exitCode } = await checkConfig(
    file ?? process.env['KANIHOOK_CONFIG'] ?? 'kanihook.yaml',
  )
  const write = exitCode === 0 ? console.log : console.error
  for (const line of lines) write(line)
  return exitCode
}

async function serve(): Promise<number> {
  const settings = readEnvironment(process.env, { forges })
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat })
  const config = await createLiveRules({
    path: settings.configFile,
    onChange: () => logger.info({ file: settings.configFile }, 'configuration read again'),
    onRefused: (faults) =>
      logger.error({ faults }, 'changed configuration refused; the one before stays in force'),
  })
  for (const warning of settings.warnings) logger.warn(warning)
  try {
    const app = await startApp({ settings, config, drivers: forges, kubeConfig, logger })
    const signal = await stopSignal()
    logger.info({ signal }, 'stopping: running builds go on in the cluster')
    // Whatever hangs, an orchestrator must not have to kill us; another worker takes over either way.
    setTimeout(() => process.exit(0), settings.shutdownTimeoutMs).unref()
    await app.stop()
  } finally {
    config.close()
  }
  logger.info('stopped')
  return 0
}

/** The usual client rules: $KUBECONFIG, ~/.kube/config, else the pod's service account. */
function kubeConfig(): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
    const server = config.getCurrentCluster()?.server
    // What the client falls back to when it finds nothing at all.
    if (server === undefined || server === 'http://localhost:8080') {
      throw new Error('no cluster is configured: set KUBECONFIG, or run in a pod')
    }
  } catch (error) {
    throw new ConfigError([`KUBECONFIG cannot be used: ${(error as Error).message}`])
  }
  return config
}

const stopSignal = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })

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
