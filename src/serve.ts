import { startApp } from './app.ts'
import { loadKubeConfig } from './cluster/kube-config.ts'
import { forges } from './forges/index.ts'
import { readEnvironment } from './settings/environment.ts'
import { configWarnings } from './settings/config-warnings.ts'
import type { Config } from './settings/config.ts'
import { createLiveRules } from './settings/live-rules.ts'
import { createLiveOwnSecrets, type LiveOwnSecrets } from './settings/own-secrets.ts'
import { unheardHosts } from './settings/unheard-hosts.ts'
import type { StopSignals } from './stop-signals.ts'
import { createLogger } from './telemetry/logger.ts'

/** Runs the roles until a signal asks to stop. Throws ConfigError where the settings cannot be used. */
export async function serve(signals: StopSignals): Promise<void> {
  const settings = readEnvironment(process.env, { forges })
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat })
  const warn = (config: Config): void => {
    const unheard = unheardHosts(config.entries, settings.forges, forges)
    for (const warning of [...configWarnings(config), ...unheard]) {
      logger.warn({ file: settings.configFile }, warning)
    }
  }
  let ownSecrets: LiveOwnSecrets | undefined
  const config = await createLiveRules({
    path: settings.configFile,
    onChange(changed) {
      logger.info({ file: settings.configFile }, 'configuration read again')
      warn(changed)
      void ownSecrets?.refresh()
    },
    onRefused: (faults) =>
      logger.error({ faults }, 'changed configuration refused; the one before stays in force'),
  })
  ownSecrets = await createLiveOwnSecrets({
    dir: settings.webhookSecretsDir,
    // A worker verifies nothing, and may have none of them.
    entries: () => (settings.roles.includes('receiver') ? config.config().entries : []),
    shared: [...settings.forges.values()].flatMap(({ webhookSecrets }) => webhookSecrets),
    onProblem: (problem) => logger.error({ file: settings.configFile }, problem),
  })
  for (const { message } of settings.warnings) logger.warn(message)
  if (process.pid === 1) logger.warn(firstProcess)
  warn(config.config())
  try {
    const asked = signals.asked()
    const app = await startApp({
      settings,
      config,
      ownSecrets,
      drivers: forges,
      kubeConfig: loadKubeConfig,
      logger,
    })
    const signal = await asked
    logger.info({ signal }, 'stopping: running builds go on in the cluster')
    // Whatever hangs, an orchestrator must not have to kill us; another worker takes over either way.
    setTimeout(() => process.exit(0), settings.shutdownTimeoutMs).unref()
    await app.stop()
  } finally {
    config.close()
    ownSecrets.close()
  }
  logger.info('stopped')
}

/**
 * git does not wait for its helpers when it fails. Whose parent is gone belongs to the first process, and Node
 * waits for none but its own children: each failure would leave a dead process in the table for good.
 */
const firstProcess =
  'kanihook is the first process of its container, where nothing clears away what git leaves behind when it ' +
  'fails: run it under an init such as tini (docker run --init; in a pod shareProcessNamespace: true)'
