import { readFileSync } from 'node:fs'
import { ConfigError } from '../../errors.ts'
import { port, webUrl, word } from '../../settings/parsers.ts'
import { createVariables, type ReadFile } from '../../settings/variables.ts'
import { UsageError } from '../command.ts'

/** Where a running kanihook answers, and who asks. */
export interface ApiSettings {
  /** No trailing slash. */
  readonly url: string
  readonly token: string | undefined
}

/**
 * Where the API is: `url` (of `--url`), else KANIHOOK_URL, else this machine, as in kanihook's pod and
 * behind a port-forward. The token comes from the environment alone: arguments are seen by others. Throws
 * UsageError for a bad `url`, ConfigError for variables.
 */
export function readApiSettings(
  env: Readonly<Record<string, string | undefined>>,
  url?: string,
  readFile: ReadFile = (file) => readFileSync(file, 'utf8'),
): ApiSettings {
  const variables = createVariables(env, readFile)
  const adminPort = variables.read('ADMIN_PORT', port, 9090)
  const fromEnvironment = variables.optional('KANIHOOK_URL', webUrl)
  // In the pod, kanihook's own tokens are there.
  const own = variables.secrets('ADMIN_TOKENS')
  const token = variables.optional('KANIHOOK_TOKEN', word) ?? own[0]
  if (variables.faults.length > 0) throw new ConfigError(variables.faults)
  const here = `http://127.0.0.1:${adminPort}`
  return { url: url === undefined ? (fromEnvironment ?? here) : parseUrl(url), token }
}

function parseUrl(url: string): string {
  try {
    return webUrl(url)
  } catch (error) {
    throw new UsageError(`--url ${(error as Error).message}`, { cause: error })
  }
}
