import { parseRef } from '../builds/push-event.ts'
import type { Repository } from '../builds/push-event.ts'
import type { ImageRule, PathRule, RefEvent, RepositoryRule, Rules } from '../builds/rules.ts'
import type { Config, EntryConfig, ImageConfig, PathsConfig } from './config.ts'
import { compileGlob } from './globs.ts'
import type { Glob } from './globs.ts'

/** The rules that kanihook.yaml says. Its globs are compiled once. */
export function createRules(config: Pick<Config, 'entries'>): Rules {
  const entries = config.entries.map(compileEntry)
  return {
    find({ host, path }) {
      const name = `${host}/${path}`
      return entries.find(({ matches }) => matches(name))?.rule(path)
    },
  }
}

interface CompiledEntry {
  readonly matches: Glob
  rule(repositoryPath: Repository['path']): RepositoryRule
}

function compileEntry(entry: EntryConfig): CompiledEntry {
  const images = entry.images.map(compileImage)
  const unwanted = refFilter(entry)
  return {
    // Every forge takes a repository's path whatever its case, and so does DNS a host.
    matches: compileGlob(entry.match, { ignoreCase: true }),
    rule: (path) => ({
      match: entry.match,
      pullRequests: entry.pullRequests,
      images: images.map((image) => ({ ...image, name: image.name ?? imageNameOf(path) })),
      unwanted,
    }),
  }
}

function compileImage(image: ImageConfig): Omit<ImageRule, 'name'> & Pick<ImageConfig, 'name'> {
  return { ...image, paths: image.paths && pathRule(image.paths) }
}

function pathRule({ include, exclude }: PathsConfig): PathRule {
  const included = include ? anyOf(include) : () => true
  const excluded = anyOf(exclude)
  return { matches: (path) => included(path) && !excluded(path) }
}

function refFilter({ branches, tags, pullRequests }: EntryConfig): RepositoryRule['unwanted'] {
  const isWantedTag = anyOf(tags)
  const isWantedBranch = branches && anyOf(branches)

  function unwantedTag(name: string): string | undefined {
    if (isWantedTag(name)) return undefined
    return tags.length === 0
      ? `tag "${name}": the entry builds no tags (say "tags" to build them)`
      : `tag "${name}" is not in tags [${tags.join(', ')}]`
  }

  function unwantedBranch(name: string, defaultBranch: string | undefined): string | undefined {
    if (isWantedBranch) {
      return isWantedBranch(name)
        ? undefined
        : `branch "${name}" is not in branches [${branches.join(', ')}]`
    }
    if (name === defaultBranch) return undefined
    return defaultBranch === undefined
      ? `branch "${name}": the default branch is not known (say "branches" to build it)`
      : `branch "${name}" is not the default branch "${defaultBranch}"`
  }

  function unwantedPullRequest(
    number: string,
    { pullRequest, defaultBranch }: RefEvent,
  ): string | undefined {
    const it = `pull request ${number}`
    if (pullRequests === 'never') {
      return `${it}: the entry builds no pull requests (say "pullRequests: trusted" to build them)`
    }
    if (!pullRequest) return undefined
    const base = unwantedBranch(pullRequest.base, defaultBranch)
    if (base !== undefined) return `${it} is to be merged into a branch that is not built: ${base}`
    return pullRequest.fork
      ? `${it} comes from a fork: only those from branches of the repository itself are built`
      : undefined
  }

  return (event) => {
    const { kind, name } = parseRef(event.ref)
    if (kind === 'pull request') return unwantedPullRequest(name, event)
    return kind === 'tag' ? unwantedTag(name) : unwantedBranch(name, event.defaultBranch)
  }
}

function anyOf(globs: readonly string[]): Glob {
  const compiled = globs.map((glob) => compileGlob(glob))
  return (text) => compiled.some((matches) => matches(text))
}

/** The last part of a repository's path as an image's name: 1–63 letters, digits, `.`, `_`, `-`. */
function imageNameOf(path: string): string {
  const name = (path.split('/').at(-1) ?? '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 63)
    .replace(/[._-]+$/, '')
  return name === '' ? 'image' : name
}
