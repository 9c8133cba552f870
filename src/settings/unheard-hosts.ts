import type { ForgeDriver } from '../forges/forge.ts'
import type { EntryConfig } from './config.ts'
import { hostOfMatch } from './globs.ts'
import type { Settings } from './settings.ts'

/**
 * A sentence for each entry of a host that no forge has which is on. Says nothing of hosts that a glob leaves open.
 * `forges`: every forge that there is.
 */
export function unheardHosts(
  entries: readonly Pick<EntryConfig, 'match'>[],
  on: Settings['forges'],
  forges: readonly Pick<ForgeDriver, 'name' | 'defaultUrl'>[],
): string[] {
  const heard = new Set([...on.values()].map(({ url }) => hostOf(url)))
  return entries.flatMap(({ match }) => {
    const host = hostOfMatch(match)
    if (host === undefined || heard.has(host)) return []
    return [
      `no forge that is on has the host ${host}: pushes of ${match} are never heard (${advice(host, on, forges)})`,
    ]
  })
}

function advice(
  host: string,
  on: Settings['forges'],
  forges: readonly Pick<ForgeDriver, 'name' | 'defaultUrl'>[],
): string {
  const owner = forges.find(({ defaultUrl }) => hostOf(defaultUrl) === host)
  if (owner && !on.has(owner.name)) return `set ${variable(owner.name, 'WEBHOOK_SECRETS')}`
  // One that is on elsewhere, or may be turned on, might be meant.
  const urls = forges.map(({ name }) => variable(name, 'URL'))
  return `mend it, or set ${urls.slice(0, -1).join(', ')} or ${urls.at(-1)}`
}

const variable = (forge: string, name: string): string => `${forge.toUpperCase()}_${name}`

/** `git.acme.io:3000`, as repositories are named by it. */
const hostOf = (url: string): string | undefined => URL.parse(url)?.host
