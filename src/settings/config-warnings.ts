import { planImage } from '../builds/image-plan.ts'
import type { Config, EntryConfig, ImageConfig, UploadConfig } from './config.ts'
import { isPattern } from './globs.ts'
import { splitDestination } from './image-reference.ts'
import { unreachedEntries } from './unreached-entries.ts'

/** What is allowed in kanihook.yaml and may still not be meant. One sentence each. */
export function configWarnings({
  entries,
  uploads,
}: Pick<Config, 'entries' | 'uploads'>): string[] {
  if (entries.length === 0 && uploads.length === 0) {
    return ['repositories is empty: nothing is built']
  }
  return [
    ...unreachedEntries(entries),
    ...sharedSecrets(entries),
    ...sharedDestinations(entries),
    ...sharedWithUploads(entries, uploads),
    ...entries.flatMap(untaggedPullRequests),
    ...lockedCaches(entries, uploads),
  ]
}

/** A tag that a push has belongs to it, and refuses an upload. */
function sharedWithUploads(
  entries: readonly EntryConfig[],
  uploads: readonly UploadConfig[],
): string[] {
  const pushed = new Set(
    entries.flatMap(({ images }) => images.flatMap((image) => image.destinations)),
  )
  return uploads.flatMap(({ name, destinations }) =>
    destinations
      .filter((destination) => pushed.has(destination))
      .map(
        (destination) =>
          `uploads and repositories both push to ${destination}: a tag that a push has is refused to the upload ${name} (give it a destination of its own)`,
      ),
  )
}

/** One owner's leak would be the other's. */
function sharedSecrets(entries: readonly EntryConfig[]): string[] {
  const owners = new Map<string, Set<string>>()
  for (const entry of entries) {
    const { webhookSecret } = entry
    const ofEntry = webhookSecret === undefined ? [] : [`webhookSecret ${webhookSecret}`]
    for (const what of [...ofEntry, ...entry.images.flatMap(secretsOf).map(placed(entry))]) {
      owners.set(what, (owners.get(what) ?? new Set()).add(ownerOf(entry.match)))
    }
  }
  return [...owners].flatMap(([what, names]) => {
    const list = [...names].join(', ')
    if (names.size === 1 && !isPattern(list)) return []
    return [
      `the ${what} is shared by several owners (${list}): whoever leaks it leaks it for all of them (give each owner an entry with a Secret of its own)`,
    ]
  })
}

const secretsOf = ({
  pushSecret,
  pullSecret,
  cloneSecret,
  secretBuildArgs = {},
}: ImageConfig): string[] => [
  ...(cloneSecret === undefined ? [] : [`cloneSecret ${cloneSecret}`]),
  ...(pushSecret === undefined ? [] : [`pushSecret ${pushSecret}`]),
  ...(pullSecret === undefined ? [] : [`pullSecret ${pullSecret}`]),
  ...Object.entries(secretBuildArgs).map(
    ([name, { secret }]) => `Secret ${secret} of the build argument ${name}`,
  ),
]

/** A name is another Secret in another namespace. */
const placed =
  ({ namespace }: EntryConfig) =>
  (secret: string): string =>
    namespace === undefined ? secret : `${secret} in the namespace ${namespace}`

/** `host/owner` of a match, as far as it says them. */
const ownerOf = (match: string): string => match.toLowerCase().split('/').slice(0, 2).join('/')

/** Many repositories that push to one place: the first to push a tag keeps it. */
function sharedDestinations(entries: readonly EntryConfig[]): string[] {
  return entries.flatMap(({ match, images }) =>
    isPattern(match)
      ? images
          .flatMap(({ destinations }) => destinations)
          .filter((destination) => !splitDestination(destination).name.includes('{repo}'))
          .map(
            (destination) =>
              `${match} may match several repositories, which would all push to ${destination} (say {repo} in it, or name one repository)`,
          )
      : [],
  )
}

/** Images that no pull request can have, though the entry builds them. */
function untaggedPullRequests({ match, pullRequests, images }: EntryConfig): string[] {
  if (pullRequests === 'never') return []
  return images.flatMap((image) => {
    const rule = { ...image, name: image.name ?? 'app', paths: undefined }
    const { problem } = planImage(rule, anyRepository, 'refs/pull/1/head', '0'.repeat(40), 0)
    return problem === undefined
      ? []
      : [`every pull request of ${placeOf(match, image)} would end with: ${problem}`]
  })
}

const anyRepository = { forge: 'github', id: '1', host: 'github.com', path: 'acme/app' }

const placeOf = (match: string, { name }: ImageConfig): string =>
  name === undefined ? match : `${match} (${name})`

/** Layers of what is published apart are pushed by the login of the build's container. */
function lockedCaches(entries: readonly EntryConfig[], uploads: readonly UploadConfig[]): string[] {
  const placed = [
    ...entries.flatMap(({ match, images }) =>
      images.map((image) => ({ place: placeOf(match, image), image })),
    ),
    ...uploads.map((image) => ({ place: `the upload ${image.name}`, image })),
  ]
  return placed
    .filter(({ image }) => wantsCacheLogin(image))
    .map(
      ({ place }) =>
        `${place} is published apart, where the build's container has no pushSecret: the cache wants a login: pullSecret (docs/publish-and-scan.md)`,
    )
}

/** Of the registry that wants a login for the image alone; another, or a cloud's account, may want none. */
function wantsCacheLogin(image: ImageConfig): boolean {
  const { publish, cache, destinations, pushSecret, pullSecret, serviceAccountName } = image
  if (publish !== 'apart' || !cache.enabled) return false
  if (pushSecret === undefined || pullSecret !== undefined || serviceAccountName !== undefined) {
    return false
  }
  if (cache.repository === undefined) return true
  const { registry } = splitDestination(cache.repository)
  return destinations.some((each) => splitDestination(each).registry === registry)
}
