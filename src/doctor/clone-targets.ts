import type { Repository } from '../builds/push-event.ts'
import type { EntryConfig } from '../settings/config.ts'
import { compileGlob, globFault, isPattern } from '../settings/globs.ts'
import type { Settings } from '../settings/settings.ts'

/** What is cloned by the login of one Secret. */
export interface CloneTarget {
  readonly secret: string
  /** Forges that are on and whose repositories it is for. */
  readonly forges: readonly string[]
  /** Repositories that entries name. */
  readonly repositories: readonly Repository[]
  /** Globs of others. */
  readonly globs: readonly string[]
}

/** The Secrets that entries of kanihook.yaml name as `cloneSecret`, each once. Pure. */
export function cloneTargets(
  entries: readonly Pick<EntryConfig, 'match' | 'cloneSecret'>[],
  forges: Settings['forges'],
): CloneTarget[] {
  const hosts = new Map([...forges].map(([name, { url }]) => [name, new URL(url).host]))
  const named = entries.flatMap(({ match, cloneSecret: secret }) =>
    secret === undefined ? [] : [{ match, secret }],
  )
  return [...new Set(named.map(({ secret }) => secret))].map((secret) => {
    const matches = named.filter((each) => each.secret === secret).map(({ match }) => match)
    return {
      secret,
      forges: [...hosts].flatMap(([name, host]) =>
        matches.some((match) => mayBeOf(match, host)) ? [name] : [],
      ),
      repositories: matches.flatMap((match) => repositoryOf(match, hosts)),
      globs: matches.filter(isPattern),
    }
  })
}

/** A glob may hold a `/` where the host ends (`{a.io/x,b.io/y}`): in doubt it is. */
function mayBeOf(match: string, host: string): boolean {
  const [glob = ''] = match.split('/')
  return globFault(glob) !== undefined || compileGlob(glob, { ignoreCase: true })(host)
}

function repositoryOf(match: string, hosts: ReadonlyMap<string, string>): Repository[] {
  if (isPattern(match)) return []
  const name = match.replaceAll(/\\(.)/gs, '$1')
  const cut = name.indexOf('/')
  const [host, path] = [name.slice(0, cut).toLowerCase(), name.slice(cut + 1)]
  return [...hosts]
    .filter(([, its]) => its === host)
    .map(([forge]) => ({ forge, id: '', host, path }))
}
