import { ConfigError } from '../errors.ts'
import { parseConfig } from './config-file.ts'
import { configWarnings } from './config-warnings.ts'
import type { Config, EntryConfig } from './config.ts'
import { readConfigText } from './live-rules.ts'

export interface CheckResult {
  /** For people, without a line's end. */
  readonly lines: readonly string[]
  /** 78 is EX_CONFIG of sysexits.h. */
  readonly exitCode: 0 | 78
}

/** `kanihook check`: what the file says, or everything that is wrong with it. */
export async function checkConfig(path: string): Promise<CheckResult> {
  try {
    return { lines: summary(path, parseConfig(await readConfigText(path), path)), exitCode: 0 }
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
    ...configWarnings(config).map((warning) => `warning: ${warning}`),
  ]
}

function describeEntry({ match, branches, tags, images }: EntryConfig): string[] {
  const refs = [
    branches === undefined ? 'the default branch' : `branches ${listed(branches)}`,
    tags.length > 0 ? `tags ${listed(tags)}` : '',
  ]
  return [
    `${match}: ${refs.filter(Boolean).join(', ')}`,
    ...images.map(
      (image) =>
        `  ${image.name ?? '(named after the repository)'}: ${image.dockerfile} -> ${image.destinations.join(', ')} ${listed(image.tags)}`,
    ),
  ]
}

const listed = (texts: readonly string[]): string => `[${texts.join(', ')}]`
const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`
