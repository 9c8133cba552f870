import { parseRef } from '../builds/push-event.ts'
import type { Repository } from '../builds/push-event.ts'
import type { ImageRule, OwnFileRule, RefEvent, RepositoryRule, Rules } from '../builds/rules.ts'
import { isUpload } from '../builds/upload.ts'
import { ConfigError } from '../errors.ts'
import type { Config, EntryConfig, ImageConfig, Refinable } from './config.ts'
import { compileGlob } from './globs.ts'
import type { Glob } from './globs.ts'
import { createPathRule, type PathRuleOptions } from './path-rule.ts'
import { refineImages } from './refine-images.ts'
import { maxRepositoryFile, readRepositoryFile } from './repository-file.ts'
import { repositoryFileName } from './repository-schema.ts'

/** The rules that kanihook.yaml says. Its globs are compiled once. */
export function createRules(config: Pick<Config, 'entries' | 'uploads'>): Rules {
  const entries = config.entries.map(compileEntry)
  const uploads = config.uploads.map((upload) => ({
    ...compileImage(upload, { also: undefined }),
    name: upload.name,
  }))
  return {
    find(repository) {
      const { host, path } = repository
      if (isUpload(repository)) {
        const image = uploads.find(({ name }) => name === path)
        return image && uploadRule(image)
      }
      const name = `${host}/${path}`
      return entries.find(({ matches }) => matches(name))?.rule(path)
    },
  }
}

const uploadRule = (image: ImageRule): RepositoryRule => ({
  match: 'uploads',
  pullRequests: 'never',
  images: [image],
  unwanted: () => undefined,
})

interface CompiledEntry {
  readonly matches: Glob
  rule(repositoryPath: Repository['path']): RepositoryRule
}

/** How long the globs of a repository's own file may be compared with changed files, in all, in milliseconds. */
const comparingMs = 500

function compileEntry(entry: EntryConfig): CompiledEntry {
  const { refinable } = entry
  // It may change how every image is built.
  const also = refinable && repositoryFileName
  const images = entry.images.map((image) => compileImage(image, { also }))
  const unwanted = refFilter(entry)
  return {
    // Every forge takes a repository's path whatever its case, and so does DNS a host.
    matches: compileGlob(entry.match, { ignoreCase: true }),
    rule(path) {
      const named = images.map((image) => ({ ...image, name: image.name ?? imageNameOf(path) }))
      return {
        match: entry.match,
        pullRequests: entry.pullRequests,
        report: entry.report,
        ...(entry.cloneSecret !== undefined && { cloneSecret: entry.cloneSecret }),
        ...(entry.namespace !== undefined && { namespace: entry.namespace }),
        ...(entry.webhookSecret !== undefined && { webhookSecret: entry.webhookSecret }),
        images: named,
        ownFile: refinable && ownFileRule(refinable, imageNameOf(path)),
        unwanted,
      }
    },
  }
}

function ownFileRule(refinable: Refinable, repositoryName: string): OwnFileRule {
  return {
    path: repositoryFileName,
    maxBytes: maxRepositoryFile,
    namesImages: !refinable.listed,
    refine(text) {
      try {
        const refined = refineImages(refinable, readRepositoryFile(text), repositoryName)
        const options = { also: repositoryFileName, budget: { left: comparingMs } }
        return {
          images: refined.map(({ image }) => ({
            ...compileImage(image, options),
            name: image.name,
          })),
          said: new Map(refined.map(({ image, said }) => [image.name, said])),
        }
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        return { problem: firstOf(error.faults) }
      }
    },
  }
}

/** `.kanihook.yaml:3:5: …` → `.kanihook.yaml line 3: …`, as a status says it. */
function firstOf([first = '', ...more]: readonly string[]): string {
  const sentence = first.replace(/^(\S+?):(\d+):\d+: /, '$1 line $2: ')
  if (more.length === 0) return sentence
  return `${sentence}; and ${more.length} more: kanihook check ${repositoryFileName} lists them`
}

const compileImage = (
  image: ImageConfig,
  options: PathRuleOptions,
): Omit<ImageRule, 'name'> & Pick<ImageConfig, 'name'> => ({
  ...image,
  paths: image.paths && createPathRule(image.paths, options),
})

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
    return pullRequest.fork && pullRequests === 'trusted'
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
