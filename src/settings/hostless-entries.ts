import type { EntryConfig } from './config.ts'
import { isPattern } from './globs.ts'

/** Names by which a forge is reached within a network, as a Service of the same cluster is. */
const bareHosts: ReadonlySet<string> = new Set(['localhost', 'gitea', 'gitlab', 'forgejo'])

/**
 * A sentence for each entry whose match seems to begin with an owner, so that it would match nothing. Where it is known
 * which forges are on, `unheardHosts` tells for certain.
 */
export function hostlessEntries(entries: readonly Pick<EntryConfig, 'match'>[]): string[] {
  return entries.flatMap(({ match }) => {
    const host = match.split('/', 1)[0]!
    if (/[.:\\]/.test(host) || isPattern(host) || bareHosts.has(host.toLowerCase())) return []
    return [
      `the match ${match}: ${host} has no dot and no port: is it a host? (write github.com/${match})`,
    ]
  })
}
