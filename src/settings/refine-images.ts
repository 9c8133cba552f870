import { nodeConflicts, sharedTags } from './config-conflicts.ts'
import type { ImageConfig, Refinable } from './config.ts'
import { destinationFault, isPathPart } from './image-reference.ts'
import { inherit } from './inherit.ts'
import type { ReadRepositoryFile } from './repository-file.ts'
import type { OwnSettings, RepositoryFile } from './repository-schema.ts'
import { isPublishedApart, resolveImage } from './resolve-config.ts'
import type { Fault, Path } from './yaml-file.ts'

type Settings = Refinable['images'][number]
type OwnImage = NonNullable<RepositoryFile['images']>[number]

export interface RefinedImage {
  readonly image: ImageConfig & { readonly name: string }
  /** The keys of it that the repository's file says. */
  readonly said: readonly string[]
}

/** An image of the installation, and the item of the repository's file about it. */
interface Pair {
  readonly name: string
  readonly base: Settings
  readonly own?: OwnImage | undefined
  /** The item's place in the file. */
  readonly index: number
}

/**
 * An entry's images as the repository's own file shapes them: a value is that of the file's item, else of the file,
 * else of the entry. Throws ConfigError where they do not fit. `repositoryName`: what the one image of an entry
 * that lists none is called.
 */
export function refineImages(
  { listed, images }: Refinable,
  { value, refuse }: ReadRepositoryFile,
  repositoryName: string,
): RefinedImage[] {
  const { images: items = [], ...common } = value
  const named = images.map((base) => ({ name: base.name ?? repositoryName, base }))
  refuse(listed ? unknownNames(items, named) : unfitNames(items, named))

  const pairs = listed || items.length === 0 ? ofEntry(named, items) : ofFile(named, items)
  const refined = pairs.map((pair) => ({ pair, ...merged(pair, common) }))
  refuse([
    ...refined.flatMap(({ pair, settings, said }) => [
      ...takenLabels(pair, common),
      ...(said.includes('platforms') ? wrongNodes(settings, placeOf(pair, 'platforms')) : []),
    ]),
    ...sharedTags(refined.map(({ settings }) => settings)).map(({ index, first, tag }) => ({
      path: placeOf(pairs[index]!, 'tags'),
      message: `${pairs[first]!.name} pushes the tag ${JSON.stringify(tag)} to the same destination (give one of them other tags)`,
    })),
  ])
  return refined.map(({ pair: { name }, settings, said }) => ({
    image: { ...resolveImage(settings), name },
    said,
  }))
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** Every image of the entry, whether the file speaks of it or not. */
function ofEntry(named: readonly { name: string; base: Settings }[], items: readonly OwnImage[]) {
  return named.map(({ name, base }): Pair => {
    const index = items.findIndex((item) => same(item.name, name))
    return { name, base, own: items[index], index }
  })
}

/** Every image of the file: the entry's own one, and others below its destination. */
function ofFile(named: readonly { name: string; base: Settings }[], items: readonly OwnImage[]) {
  const [{ name: first, base }] = named as [{ name: string; base: Settings }]
  return items.map((own, index): Pair => {
    if (same(own.name, first)) return { name: first, base, own, index }
    return { name: own.name, base: { ...base, destination: below(base, own.name) }, own, index }
  })
}

const below = ({ destination = [] }: Settings, name: string): string[] =>
  [destination].flat().map((place) => `${place}/${name}`)

function merged({ base, own }: Pair, common: OwnSettings) {
  const { name: _, ...item } = own ?? { name: '' }
  const shaped: Settings = inherit(inherit(base, common), item)
  // Fewer platforms would otherwise bring the push login to where RUN steps run.
  const settings = isPublishedApart(base) ? { ...shaped, publish: 'apart' as const } : shaped
  const said = new Set([...Object.keys(common), ...Object.keys(item)])
  return { settings, said: [...said] }
}

function unknownNames(items: readonly OwnImage[], named: readonly { name: string }[]): Fault[] {
  const known = named.map(({ name }) => name)
  return items.flatMap(({ name }, i) =>
    known.some((each) => same(each, name))
      ? []
      : [
          {
            path: ['images', i, 'name'],
            message: `the installation has no image "${name}" for this repository (it has ${known.join(', ')})`,
          },
        ],
  )
}

/** Names that cannot end a destination. */
function unfitNames(
  items: readonly OwnImage[],
  [first]: readonly { name: string; base: Settings }[],
): Fault[] {
  return items.flatMap(({ name }, i) => {
    if (!first || same(name, first.name)) return []
    const message = unfit(name, below(first.base, name))
    return message === undefined ? [] : [{ path: ['images', i, 'name'], message }]
  })
}

function unfit(name: string, destinations: readonly string[]): string | undefined {
  if (!isPathPart(name)) {
    return `"${name}" cannot end the name of an image (lower-case letters and digits, joined by single . _ or by -)`
  }
  if (name === 'cache') return 'cache is where layers are kept (choose another name)'
  return destinations.map(destinationFault).find((fault) => fault !== undefined)
}

/** What the installation says of an image to others is not for its author to change. */
function takenLabels(pair: Pair, common: OwnSettings): Fault[] {
  const taken = pair.base.labels ?? {}
  const faults = (labels: OwnSettings['labels'], path: Path): Fault[] =>
    Object.keys(labels ?? {})
      .filter((label) => Object.hasOwn(taken, label))
      .map((label) => ({
        path: [...path, 'labels', label],
        message: 'is a label that the installation says (remove it)',
      }))
  return [
    ...faults(common.labels, []),
    ...(pair.own ? faults(pair.own.labels, ['images', pair.index]) : []),
  ]
}

const wrongNodes = (settings: Settings, path: Path): Fault[] =>
  nodeConflicts({ ...settings }, []).map(({ message }) => ({ path, message }))

/** Where the file says a key of an image. */
const placeOf = ({ own, index }: Pair, key: keyof OwnImage): Path =>
  own?.[key] === undefined ? [key] : ['images', index, key]
