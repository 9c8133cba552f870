import { ConfigError } from '../errors.ts'
import { parseConfig } from './config-file.ts'
import { configWarnings } from './config-warnings.ts'
import type { Config, EntryConfig, ImageConfig } from './config.ts'
import { hostlessEntries } from './hostless-entries.ts'
import { readConfigText } from './live-rules.ts'
import { readRepositoryFile } from './repository-file.ts'
import type { RepositoryFile } from './repository-schema.ts'

export interface CheckResult {
  /** For people, without a line's end. */
  readonly lines: readonly string[]
  /** 78 is EX_CONFIG of sysexits.h. */
  readonly exitCode: 0 | 78
}

/** `kanihook check`: what the file says, or everything that is wrong with it. */
export const checkConfig = (path: string): Promise<CheckResult> =>
  checked(async () => summary(path, parseConfig(await readConfigText(path), path)))

/** The same for a repository's own file, as far as it can be told without the installation's. */
export const checkRepositoryFile = (path: string): Promise<CheckResult> =>
  checked(async () => ownSummary(path, readRepositoryFile(await readConfigText(path), path).value))

async function checked(describe: () => Promise<string[]>): Promise<CheckResult> {
  try {
    return { lines: await describe(), exitCode: 0 }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { lines: error.faults, exitCode: 78 }
  }
}

function summary(path: string, config: Config): string[] {
  const images = config.entries.flatMap((entry) => entry.images)
  return [
    `${path} is valid: ${count(config.entries.length, 'entry', 'entries')}, ${count(images.length, 'image', 'images')}.`,
    ...config.entries.flatMap(describeEntry),
    ...(config.uploads.length > 0 ? ['uploads:', ...config.uploads.map(describeImage)] : []),
    ...[...hostlessEntries(config.entries), ...configWarnings(config)].map(
      (warning) => `warning: ${warning}`,
    ),
  ]
}

function ownSummary(path: string, { images = [], ...common }: RepositoryFile): string[] {
  return [
    `${path} is valid.`,
    ...(Object.keys(common).length > 0 ? [`every image: ${keysOf(common)}`] : []),
    ...images.map((image) => `${image.name}: ${keysOf(image)}`),
    'What the installation says of its images is not looked at here: kanihook plan does.',
  ]
}

const keysOf = (own: object): string =>
  Object.keys(own)
    .filter((key) => key !== 'name')
    .join(', ') || 'nothing of its own'

function describeEntry({
  match,
  branches,
  tags,
  cloneSecret,
  namespace,
  webhookSecret,
  images,
}: EntryConfig): string[] {
  const refs = [
    branches === undefined ? 'the default branch' : `branches ${listed(branches)}`,
    tags.length > 0 ? `tags ${listed(tags)}` : '',
    cloneSecret === undefined ? '' : `cloned with the Secret ${cloneSecret}`,
    namespace === undefined ? '' : `built in the namespace ${namespace}`,
    webhookSecret === undefined ? '' : `webhooks signed with ${webhookSecret}`,
  ]
  return [`${match}: ${refs.filter(Boolean).join(', ')}`, ...images.map(describeImage)]
}

const describeImage = ({ name, dockerfile, destinations, tags }: ImageConfig): string =>
  `  ${name ?? '(named after the repository)'}: ${dockerfile} -> ${destinations.join(', ')} ${listed(tags)}`

const listed = (texts: readonly string[]): string => `[${texts.join(', ')}]`
const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`
