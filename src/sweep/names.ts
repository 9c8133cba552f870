import type { Repository } from '../builds/push-event.ts'
import { isPattern } from '../settings/globs.ts'

/** A repository as the sweep knows it before its forge was asked: its id is not known, its path in lower case. */
export type NamedRepository = Repository & { readonly id: '' }

/** `host/path` in lower case: what a repository is swept under. */
export const nameOf = ({ host, path }: Pick<Repository, 'host' | 'path'>): string =>
  `${host}/${path}`.toLowerCase()

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
export const plainNames = (matches: readonly string[]): string[] =>
  matches
    .filter((match) => !isPattern(match) && !match.includes('\\'))
    .map((match) => match.toLowerCase())
