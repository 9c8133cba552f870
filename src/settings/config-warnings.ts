import type { Config, EntryConfig } from './config.ts'
import { isPattern } from './globs.ts'
import { splitDestination } from './image-reference.ts'

/** What is allowed in kanihook.yaml and may still not be meant. One sentence each. */
export function configWarnings({ entries }: Pick<Config, 'entries'>): string[] {
  if (entries.length === 0) return ['repositories is empty: nothing is built']
  return [...sharedPushSecrets(entries), ...sharedDestinations(entries)]
}

/** One owner's leak would be the other's. */
function sharedPushSecrets(entries: readonly EntryConfig[]): string[] {
  const owners = new Map<string, Set<string>>()
  for (const entry of entries) {
    for (const { pushSecret } of entry.images) {
      if (pushSecret === undefined) continue
      owners.set(pushSecret, (owners.get(pushSecret) ?? new Set()).add(ownerOf(entry.match)))
    }
  }
  return [...owners].flatMap(([secret, names]) => {
    const list = [...names].join(', ')
    if (names.size === 1 && !isPattern(list)) return []
    return [
      `the pushSecret ${secret} is shared by several owners (${list}): whoever leaks it leaks it for all of them (give each owner an entry with a Secret of its own)`,
    ]
  })
}

/** `host/owner` of a match, as far as it says them. */
const ownerOf = (match: string): string => match.toLowerCase().split('/').slice(0, 2).join('/')

/** Many repositories that push to one place: the first to push a tag keeps it. */
function sharedDestinations(entries: readonly EntryConfig[]): string[] {
  return entries.flatMap(({ match, images }) =>
    isPattern(match)
      ? images
          .map(({ destination }) => destination)
          .filter((destination) => !splitDestination(destination).name.includes('{repo}'))
          .map(
            (destination) =>
              `${match} may match several repositories, which would all push to ${destination} (say {repo} in it, or name one repository)`,
          )
      : [],
  )
}
