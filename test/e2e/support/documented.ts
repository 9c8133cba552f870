import { parse } from 'yaml'
import { blocksOf, read } from '../../docs/markdown.ts'

/** What an example in the documentation calls otherwise than this cluster does. */
export interface Places {
  readonly registry: string
  readonly forgeHost: string
  /** What stands for `registry.example.org`. */
  readonly otherRegistry?: string
}

interface Entry {
  readonly match: string
  readonly images?: readonly object[]
}

interface Example {
  readonly defaults?: object
  readonly repositories: readonly Entry[]
}

/**
 * The `kanihook.yaml` example under a heading of a page, as entries for `createWorld`: what readers copy is
 * what is run. `registry.acme.io` becomes the test's registry, and `github.com/acme/shop` matches each
 * repository that a test creates as `shop`. Throws where there is not exactly one such example.
 */
export function documentedEntries(page: string, heading: string, places: Places): string {
  const { defaults, repositories } = parse(exampleUnder(page, heading)) as Example
  const entries = repositories.map(({ match, images, ...rest }) => ({
    match: `${places.forgeHost}/dev/${nameOf(match)}`,
    ...rest,
    ...(images ? { images: images.map((image) => ({ ...defaults, ...image })) } : defaults),
  }))
  return entries.map((entry) => `  - ${inPlace(JSON.stringify(entry), places)}\n`).join('')
}

const inPlace = (text: string, { registry, otherRegistry }: Places): string =>
  text
    .replaceAll('registry.acme.io', registry)
    .replaceAll('registry.example.org', otherRegistry ?? 'registry.example.org')

/** Tests give each repository a name of its own by what they add to this one. */
function nameOf(match: string): string {
  const name = match.split('/').at(-1) ?? ''
  return name.includes('*') ? name : `${name}-*`
}

function exampleUnder(page: string, heading: string): string {
  const [from, to] = linesUnder(page, heading)
  const found = blocksOf(page).filter(({ mark, place }) => {
    const line = Number(place.split(':').at(-1))
    return mark === 'kanihook.yaml' && line > from && line < to
  })
  const [block] = found
  if (!block || found.length > 1) {
    throw new Error(`${page} has ${found.length} examples of kanihook.yaml under "${heading}"`)
  }
  return block.text
}

/** The lines of a heading and of the next one, from 1. A single # may be a comment of an example. */
function linesUnder(page: string, heading: string): [number, number] {
  const headings = read(page)
    .split('\n')
    .flatMap((line, index) => {
      const title = /^##+ (.*)$/.exec(line)?.[1]
      return title === undefined ? [] : [{ title, line: index + 1 }]
    })
  const at = headings.findIndex(({ title }) => title === heading)
  if (at < 0) throw new Error(`${page} has no heading "${heading}"`)
  return [headings[at]!.line, headings[at + 1]?.line ?? Infinity]
}
