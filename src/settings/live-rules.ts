import { readFile } from 'node:fs/promises'
import type { Rules } from '../builds/rules.ts'
import { ConfigError } from '../errors.ts'
import { parseConfig } from './config-file.ts'
import type { Config } from './config.ts'
import { watchFile } from './file-watch.ts'
import { createRules } from './rules.ts'
import type { RegistrySettings } from './settings.ts'

export interface LiveRulesOptions {
  /** Path of kanihook.yaml. */
  readonly path: string
  /** A changed file has come into force. */
  readonly onChange?: (config: Config) => void
  /** A changed file cannot be used; the one before stays in force. */
  readonly onRefused?: (faults: readonly string[]) => void
  /** How often the file is compared when no change was noticed. Milliseconds. */
  readonly pollMs?: number
}

/** kanihook.yaml as it stands now. */
export interface LiveRules {
  readonly rules: Rules
  registries(): readonly RegistrySettings[]
  config(): Config
  /** Whether the file, as it is now, cannot be used, so that one before is in force. */
  isRefused(): boolean
  /** Stops following the file. */
  close(): void
}

/** Reads kanihook.yaml and follows it. Throws ConfigError where it cannot be used at the start. */
export async function createLiveRules(options: LiveRulesOptions): Promise<LiveRules> {
  const { path, onChange, onRefused, pollMs } = options
  const text = await readConfigText(path)
  let config = parseConfig(text, path)
  let current = createRules(config)
  let refused = false
  const refuse = (faults: readonly string[]): void => {
    refused = true
    onRefused?.(faults)
  }

  const closing = new AbortController()
  watchFile(text, {
    path,
    signal: closing.signal,
    ...(pollMs !== undefined && { pollMs }),
    onUnreadable: (error) => refuse([unreadable(path, error)]),
    onText(changed) {
      try {
        config = parseConfig(changed, path)
      } catch (error) {
        refuse(error instanceof ConfigError ? error.faults : [`${path}: ${String(error)}`])
        return
      }
      current = createRules(config)
      refused = false
      onChange?.(config)
    },
  })

  return {
    rules: { find: (repository) => current.find(repository) },
    registries: () => config.registries,
    config: () => config,
    isRefused: () => refused,
    close: () => closing.abort(),
  }
}

/** The text of kanihook.yaml. Throws ConfigError where it cannot be read. */
export async function readConfigText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new ConfigError([unreadable(path, error as NodeJS.ErrnoException)])
  }
}

function unreadable(path: string, { code }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') {
    return `${path}: there is no such file (write one as kanihook.example.yaml shows, or name it in KANIHOOK_CONFIG)`
  }
  if (code === 'EISDIR') return `${path}: is a folder (name a file in KANIHOOK_CONFIG)`
  return `${path}: cannot be read: ${code ?? 'unknown error'} (let kanihook's user read it)`
}
