import type { ImagePlan, Resources } from './build.ts'
import type { Repository } from './push-event.ts'

/** An image as kanihook.yaml describes it: templates not yet filled in. */
export interface ImageRule {
  readonly name: string
  /** `registry/{owner}/{repo}`, without a tag. */
  readonly destination: string
  /** Tag templates: `{branch}`, `{tag}`, `{sha}`, `{shortSha}`, `{semver}`, `{major}`, `{minor}`, `{date}`. */
  readonly tags: readonly string[]
  readonly context: string
  readonly dockerfile: string
  readonly target: string | undefined
  /** Values may hold the same templates as tags, and `{owner}`, `{repo}`. */
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly platform: string | undefined
  readonly resources: Resources
  readonly pushSecret: string | undefined
  /** `repository` undefined: `<destination>/cache`. */
  readonly cache: {
    readonly enabled: boolean
    readonly ttlMs: number
    readonly repository: string | undefined
  }
  /** Git globs relative to the root; undefined: every change matters. */
  readonly paths: PathRule | undefined
  readonly timeoutMs: ImagePlan['timeoutMs']
  readonly startTimeoutMs: ImagePlan['startTimeoutMs']
  readonly verbosity: string
}

export interface PathRule {
  /** Whether a changed file concerns the image. */
  matches(path: string): boolean
}

/** The entry of kanihook.yaml that decides about a repository. */
export interface RepositoryRule {
  /** The `match` glob, for messages. */
  readonly match: string
  readonly images: readonly ImageRule[]
  /** Why the ref is not built, e.g. `branch "x" is not in branches [main]`; undefined: it is built. */
  unwanted(ref: string, defaultBranch: string | undefined): string | undefined
}

/** kanihook.yaml as it stands now; it is read again when the file changes. */
export interface Rules {
  /** The first entry whose `match` fits `host/path`, or undefined. */
  find(repository: Repository): RepositoryRule | undefined
}
