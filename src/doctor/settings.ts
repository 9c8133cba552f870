import { ConfigError } from '../errors.ts'
import type { ForgeDriver } from '../forges/forge.ts'
import { ownReaders } from '../forges/own-readers.ts'
import { fine, failure, warning } from '../remark.ts'
import { parseConfig } from '../settings/config-file.ts'
import { configWarnings } from '../settings/config-warnings.ts'
import { imagesOf, type Config } from '../settings/config.ts'
import { readConfigText } from '../settings/live-rules.ts'
import { ownSecretsOf, readOwnSecrets } from '../settings/own-secrets.ts'
import type { Settings } from '../settings/settings.ts'
import { unheardHosts } from '../settings/unheard-hosts.ts'
import { about, type Finding } from './finding.ts'

export interface ReadConfig {
  readonly findings: readonly Finding[]
  /** Undefined where it cannot be used. */
  readonly config: Config | undefined
}

/** What may be wrong with the settings that the environment says. */
export const environmentFindings = ({ warnings }: Settings): Finding[] =>
  // PUBLIC_URL is looked at by a check of its own.
  about(
    'settings',
    'environment',
  )(
    ...warnings
      .filter(({ variable }) => variable !== 'PUBLIC_URL')
      .map(({ message }) => warning(message)),
  )

/** What is wrong with the secrets that entries have of their own, as this process reads them. */
export async function ownSecretFindings(
  { webhookSecretsDir, forges }: Settings,
  { entries }: Config,
  drivers: readonly ForgeDriver[],
): Promise<{ readonly findings: readonly Finding[]; readonly secrets: readonly string[] }> {
  const shared = [...forges.values()].flatMap(({ webhookSecrets }) => webhookSecrets)
  const { secrets, problems } = await readOwnSecrets(webhookSecretsDir, entries, shared)
  const refused = drivers.flatMap((driver) => {
    const url = forges.get(driver.name)?.url
    if (url === undefined) return []
    return ownReaders(driver, url, ownSecretsOf(secrets, entries, new URL(url).host)).problems
  })
  const faults = [...problems, ...refused].map((problem) => failure(problem))
  const count = secrets.size
  const read = count > 0 ? [fine(`webhook secrets of entries (read: ${count})`)] : []
  return {
    findings: about('settings', 'WEBHOOK_SECRETS_DIR')(...read, ...faults),
    secrets: [...secrets.values()].flat(),
  }
}

/** Reads kanihook.yaml as `serve` does, and says what is wrong with it or may not be meant. */
export async function readConfig(
  { configFile: path, forges }: Pick<Settings, 'configFile' | 'forges'>,
  drivers: readonly ForgeDriver[],
): Promise<ReadConfig> {
  const say = about('settings', path)
  try {
    const config = parseConfig(await readConfigText(path), path)
    const valid = fine(
      `valid (entries: ${config.entries.length}, images: ${imagesOf(config).length}, registries: ${config.registries.length})`,
    )
    const warnings = [...configWarnings(config), ...unheardHosts(config.entries, forges, drivers)]
    return { findings: say(valid, ...warnings.map((text) => warning(text))), config }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // Each fault starts with the file's name and its line.
    const faults = error.faults.map((fault) => failure(fault.replace(`${path}:`, '').trim()))
    return { findings: say(...faults), config: undefined }
  }
}
