import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node'
import { ConfigError } from '../errors.ts'
import type { ForgeDriver } from '../forges/forge.ts'
import { failure } from '../remark.ts'
import type { Config } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'
import { runChecks, type Check } from './checks.ts'
import { reachCluster } from './cluster-access.ts'
import { clusterCheck } from './cluster.ts'
import { cloneSecretChecks } from './clone-secrets.ts'
import { cloneTargets } from './clone-targets.ts'
import { clockFindings } from './clock.ts'
import { about, type Finding } from './finding.ts'
import { imageChecks } from './images.ts'
import { forgeChecks } from './forges.ts'
import { masked, secretsOf } from './masked.ts'
import { isLoopbackUrl, publicUrlCheck } from './public-url.ts'
import { createPushSecrets } from './push-secrets.ts'
import { redisCheck } from './redis.ts'
import { pullSecretChecks, registriesUnknown, registryChecks } from './registries.ts'
import { pullSecrets, registryGroups } from './registry-targets.ts'
import { report, type Report } from './report.ts'
import { byNamespace } from './namespaces.ts'
import { environmentFindings, ownSecretFindings, readConfig } from './settings.ts'

export interface DoctorOptions {
  readonly settings: Settings
  readonly drivers: readonly ForgeDriver[]
  /** Throws ConfigError where no cluster is configured. Called for a worker alone. */
  readonly kubeConfig: () => KubeConfig
  /** For each check, in milliseconds; 10 s unless said. */
  readonly limitMs?: number
}

/**
 * Looks at everything that this process' roles need, all at once, and changes nothing. Never rejects
 * for what is wrong outside: that is a finding. No finding holds a secret.
 */
export async function examine(options: DoctorOptions): Promise<Report> {
  const { settings, limitMs = 10_000 } = options
  const read = await readConfig(settings, options.drivers)
  const worker = settings.roles.includes('worker')
    ? workerChecks(options, read.config)
    : { checks: [], findings: [], secrets: [] }
  const own =
    read.config && settings.roles.includes('receiver')
      ? await ownSecretFindings(settings, read.config, options.drivers)
      : { findings: [], secrets: [] }
  const { findings, clocks = [] } = await runChecks(
    [redisCheck(settings.redisUrl), ...publicUrlChecks(settings), ...worker.checks],
    limitMs,
  )
  const all = [
    ...environmentFindings(settings),
    ...read.findings,
    ...own.findings,
    ...worker.findings,
    ...findings,
    ...clockFindings(clocks),
  ]
  const ofCluster = worker.secrets.flatMap((values) => [...values])
  const secrets = [...secretsOf(settings), ...own.secrets, ...ofCluster]
  return report(masked(withoutRepeats(all), secrets))
}

/** What is said of the cluster as a whole comes once for each namespace. */
const withoutRepeats = (findings: readonly Finding[]): Finding[] => [
  ...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values(),
]

/** Without pages nothing is made of PUBLIC_URL, and it need not be set. */
function publicUrlChecks({ publicUrl, pages, forges }: Settings): Check[] {
  if (pages === 'off' && isLoopbackUrl(publicUrl)) return []
  const [forge = ''] = forges.keys()
  return [publicUrlCheck(publicUrl, forge)]
}

interface WorkerChecks {
  readonly checks: readonly Check[]
  readonly findings: readonly Finding[]
  /** What is read of the cluster's Secrets while the checks run. */
  readonly secrets: readonly ReadonlySet<string>[]
}

/** The cluster, the forges, and the registries whose logins the cluster keeps. */
function workerChecks(options: DoctorOptions, config: Config | undefined): WorkerChecks {
  const { settings, drivers, kubeConfig: load } = options
  const forges = forgeChecks(drivers, settings)
  const images = imageChecks(settings, config)
  const groups = config ? registryGroups(config) : []
  let kubeConfig: KubeConfig
  try {
    kubeConfig = load()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const unset = about(
      'cluster',
      'KUBECONFIG',
    )(...error.faults.map((fault) => failure(fault.replace('KUBECONFIG ', ''))))
    const unknown = groups.length > 0 ? registriesUnknown(groups).findings : []
    return {
      checks: [...forges, ...images],
      findings: [...unset, ...unknown],
      secrets: [],
    }
  }
  const reached = reachCluster(kubeConfig)
  const api = kubeConfig.makeApiClient(CoreV1Api)
  const perNamespace = byNamespace(settings, config).map((its) => {
    const pushSecrets = createPushSecrets(api, its.settings.buildNamespace)
    const targets = cloneTargets(its.config?.entries ?? [], settings.forges)
    const cloneSecrets = cloneSecretChecks({ ...its, targets, drivers, api, reached })
    return {
      checks: [
        clusterCheck({ ...its, kubeConfig, reached }),
        ...cloneSecrets.checks,
        ...registryChecks({
          groups: its.config ? registryGroups(its.config) : [],
          pushSecrets,
          reached,
        }),
        ...pullSecretChecks({
          secrets: its.config ? pullSecrets(its.config) : [],
          pushSecrets,
          reached,
        }),
      ],
      secrets: [pushSecrets.values, cloneSecrets.values],
    }
  })
  return {
    checks: [...perNamespace.flatMap(({ checks }) => checks), ...forges, ...images],
    findings: [],
    secrets: perNamespace.flatMap(({ secrets }) => secrets),
  }
}
