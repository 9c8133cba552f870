import type { Repository } from '../builds/push-event.ts'
import type { Rules } from '../builds/rules.ts'
import { isPattern } from '../settings/globs.ts'

/** A repository as the sweep knows it before its forge was asked: its id is not known, its path in lower case. */
export type NamedRepository = Repository & { readonly id: '' }

/** The repository of a name at one of these forges; undefined: at none of them. `hosts`: those of the forges, by their names. */
export function namedRepository(
  name: string,
  hosts: ReadonlyMap<string, string>,
): NamedRepository | undefined {
  for (const [forge, host] of hosts) {
    if (name.startsWith(`${host}/`))
      return { forge, id: '', host, path: name.slice(host.length + 1) }
  }
  return undefined
}

/** What entries of kanihook.yaml name without a glob: repositories that may never have been heard of. */
const plainNames = (matches: readonly string[]): string[] =>
  matches
    .filter((match) => !isPattern(match) && !match.includes('\\'))
    .map((match) => match.toLowerCase())

export interface NamesOptions {
  readonly rules: Rules
  /** The `match` of each entry of kanihook.yaml. */
  readonly matches: () => readonly string[]
  /** The host of each forge that is on, by its name. */
  readonly hosts: ReadonlyMap<string, string>
  /** Paths of a forge's repositories that there were deliveries of, in lower case. */
  readonly knownPaths: (forge: string) => Promise<readonly string[]>
}

/**
 * The repositories that are looked at, by their names (`host/path` in lower case): those that deliveries came of,
 * and those that kanihook.yaml names by their whole path.
 */
export async function sweptRepositories({
  rules,
  matches,
  hosts,
  knownPaths,
}: NamesOptions): Promise<ReadonlyMap<string, NamedRepository>> {
  const known = [...hosts].map(async ([forge, host]) => {
    const paths = await knownPaths(forge)
    return paths.map((path) => `${host}/${path}`)
  })
  const names = new Set([...plainNames(matches()), ...(await Promise.all(known)).flat()])
  const found = [...names].flatMap((name) => {
    const repository = namedRepository(name, hosts)
    return repository && rules.find(repository) ? [[name, repository] as const] : []
  })
  return new Map(found)
}
