import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EntryConfig } from './config.ts'
import { followFolder } from './file-watch.ts'
import { hostOfMatch } from './globs.ts'

/** The webhook secrets that entries have of their own: each by its name, newest first, none empty. */
export type OwnSecrets = ReadonlyMap<string, readonly string[]>

type Entries = readonly Pick<EntryConfig, 'match' | 'webhookSecret'>[]

export interface ReadOwnSecrets {
  /** Those that can be used; the repositories of another are signed for by nobody. */
  readonly secrets: OwnSecrets
  /** A sentence for each that cannot, or may not be meant; none holds a value. */
  readonly problems: readonly string[]
}

export const ownSecretNames = (entries: Entries): ReadonlySet<string> =>
  new Set(entries.flatMap(({ webhookSecret }) => webhookSecret ?? []))

/** Those whose entries may match a repository of that host, as a URL has it: in lower case. */
export function ownSecretsOf(secrets: OwnSecrets, entries: Entries, host: string): OwnSecrets {
  const names = ownSecretNames(
    entries.filter(({ match }) => [undefined, host].includes(hostOfMatch(match))),
  )
  return new Map([...secrets].filter(([name]) => names.has(name)))
}

/**
 * Reads the files that entries name. `shared`: the secrets of the forges, which sign for all entries that
 * name none.
 */
export async function readOwnSecrets(
  dir: string | undefined,
  entries: Entries,
  shared: readonly string[],
): Promise<ReadOwnSecrets> {
  const secrets = new Map<string, readonly string[]>()
  const problems: string[] = []
  const holders = new Map(shared.map((secret) => [secret, 'the secrets of a forge']))
  for (const name of ownSecretNames(entries)) {
    const problem = (message: string): unknown => problems.push(`webhookSecret ${name}: ${message}`)
    const read = await readSecrets(dir, name)
    if ('fault' in read) {
      problem(`${read.fault}; until then every webhook of its repositories is refused`)
      continue
    }
    secrets.set(name, read.secrets)
    if (read.secrets.some((secret) => secret.length < 16)) {
      problem(
        'holds a secret of fewer than 16 characters, which can be guessed (openssl rand -hex 32 makes a good one)',
      )
    }
    for (const secret of read.secrets) {
      const holder = holders.get(secret)
      if (holder !== undefined) {
        problem(
          `holds a secret that ${holder} also hold: whoever has it signs for both (make one for each)`,
        )
      }
      holders.set(secret, `those of webhookSecret ${name}`)
    }
  }
  return { secrets, problems }
}

async function readSecrets(
  dir: string | undefined,
  name: string,
): Promise<{ readonly secrets: readonly string[] } | { readonly fault: string }> {
  if (dir === undefined) {
    return { fault: 'WEBHOOK_SECRETS_DIR is not set (set it to the folder that has this file)' }
  }
  try {
    const secrets = (await readFile(join(dir, name), 'utf8')).trim().split(',')
    const trimmed = secrets.map((secret) => secret.trim())
    return trimmed.includes('')
      ? { fault: 'holds an empty secret (give it secrets joined by single commas)' }
      : { secrets: trimmed }
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    return { fault: `its file in WEBHOOK_SECRETS_DIR cannot be read: ${code} (put it there)` }
  }
}

export interface LiveOwnSecretsOptions {
  readonly dir: string | undefined
  readonly entries: () => Entries
  readonly shared: readonly string[]
  /** Called with each problem that was not there before. */
  readonly onProblem: (problem: string) => void
  /** How often the files are read when no change was noticed. Milliseconds. */
  readonly pollMs?: number
}

/** The secrets as their files stand now. */
export interface LiveOwnSecrets {
  /** Those of entries that may be about a host; the same object until something changes. */
  of(host: string): OwnSecrets
  /** Reads what the entries, as they are now, name. */
  refresh(): Promise<void>
  /** Stops following the files. */
  close(): void
}

/** Reads the files and follows them, so that a secret is rotated without a restart. */
export async function createLiveOwnSecrets(
  options: LiveOwnSecretsOptions,
): Promise<LiveOwnSecrets> {
  const { dir, entries, shared, onProblem, pollMs } = options
  let current: OwnSecrets = new Map()
  let its = entries()
  const ofHosts = new Map<string, OwnSecrets>()
  let known: ReadonlySet<string> = new Set()
  let last = Promise.resolve()

  async function read(): Promise<void> {
    const now = entries()
    const { secrets, problems } = await readOwnSecrets(dir, now, shared)
    if (now !== its || JSON.stringify([...secrets]) !== JSON.stringify([...current])) {
      its = now
      current = secrets
      ofHosts.clear()
    }
    for (const problem of problems) if (!known.has(problem)) onProblem(problem)
    known = new Set(problems)
  }
  // One after the other, so that an older reading never comes after a newer one.
  const refresh = (): Promise<void> => (last = last.then(read))

  await refresh()
  const closing = new AbortController()
  if (dir !== undefined) {
    const { signal } = closing
    followFolder({ folder: dir, check: refresh, signal, ...(pollMs !== undefined && { pollMs }) })
  }

  function of(host: string): OwnSecrets {
    const found = ofHosts.get(host) ?? ownSecretsOf(current, its, host)
    ofHosts.set(host, found)
    return found
  }
  return { of, refresh, close: () => closing.abort() }
}
