import type { ImageRule, PullRequestPolicy } from '../builds/rules.ts'
import type { ImageSettings } from './config-schema.ts'
import type { RegistrySettings } from './settings.ts'

/** kanihook.yaml, validated, with every default filled in. */
export interface Config {
  readonly entries: readonly EntryConfig[]
  /** Images that are built of uploads. */
  readonly uploads: readonly UploadConfig[]
  readonly registries: readonly RegistrySettings[]
}

/** Every image that is built, of pushes and then of uploads. */
export const imagesOf = ({
  entries,
  uploads,
}: Pick<Config, 'entries' | 'uploads'>): readonly ImageConfig[] => [
  ...entries.flatMap(({ images }) => images),
  ...uploads,
]

/** The namespaces that entries name. */
export const namespacesOf = ({ entries }: Pick<Config, 'entries'>): readonly string[] => [
  ...new Set(entries.flatMap(({ namespace }) => namespace ?? [])),
]

/** An entry of `repositories`. */
export interface EntryConfig {
  /** Glob of `host[:port]/path`. */
  readonly match: string
  /** Globs of branches; undefined: the repository's default branch. */
  readonly branches: readonly string[] | undefined
  /** Globs of git tags. */
  readonly tags: readonly string[]
  readonly pullRequests: PullRequestPolicy
  readonly report: 'each' | 'summary'
  /** The Secret that git logs in with; its images have the same. */
  readonly cloneSecret?: string
  /** Where its builds run; its images have the same. Undefined: the build namespace. */
  readonly namespace?: string
  /** The file of the secrets that alone sign for its repositories; undefined: the forge's secrets do. */
  readonly webhookSecret?: string
  readonly images: readonly ImageConfig[]
  /** What a repository's own file refines; undefined: it is not read. */
  readonly refinable: Refinable | undefined
}

/** An entry's images as the file says them, without what it leaves out. */
export interface Refinable {
  /** Whether the entry lists its images; else there is one, named after the repository. */
  readonly listed: boolean
  readonly images: readonly (ImageSettings & {
    readonly name?: string | undefined
    /** The entry's. */
    readonly cloneSecret?: string
    readonly namespace?: string
  })[]
}

export interface ImageConfig extends Omit<ImageRule, 'name' | 'paths'> {
  /** Undefined: named after the repository. */
  readonly name: string | undefined
  readonly paths: PathsConfig | undefined
}

export interface UploadConfig extends ImageConfig {
  readonly name: string
}

/** Globs of files, relative to the repository's root. */
export interface PathsConfig {
  /** Undefined: every file. */
  readonly include: readonly string[] | undefined
  readonly exclude: readonly string[]
}
