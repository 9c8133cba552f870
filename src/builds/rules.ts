import type { CacheSettings, ImagePlan } from './build.ts'
import type { PushEvent, Repository } from './push-event.ts'

/** An image as kanihook.yaml describes it: a plan whose templates are not yet filled in. */
export interface ImageRule extends Omit<ImagePlan, 'destinations' | 'cache'> {
  /** `registry/{owner}/{repo}`, without a tag; at least one. */
  readonly destinations: readonly string[]
  /** Templates of the variables in tags.ts. Values of build arguments and labels may hold them too. */
  readonly tags: readonly string[]
  /** `repository` undefined: `/cache` below the first destination. */
  readonly cache: CacheSettings & { readonly repository: string | undefined }
  /** Which changed files concern the image; undefined: all. */
  readonly paths: PathRule | undefined
}

export interface PathRule {
  /** Whether one of the changed files concerns the image; in doubt it does. */
  concern(files: readonly string[]): boolean
}

/** What an entry lets a repository say about its own builds, in a file at the commit that is built. */
export interface OwnFileRule {
  /** Where it is, relative to the root. */
  readonly path: string
  /** Bytes; a larger one is refused. */
  readonly maxBytes: number
  /** The images as the file shapes them, or what is wrong with it, as a sentence. */
  refine(text: string): OwnFile
  /** Whether it may name images that the entry does not. */
  readonly namesImages: boolean
}

export type OwnFile =
  | {
      readonly images: readonly ImageRule[]
      /** By the name of an image: its keys that the file says. */
      readonly said: ReadonlyMap<string, readonly string[]>
    }
  | { readonly problem: string }

/** The entry of kanihook.yaml that decides about a repository. */
export interface RepositoryRule {
  /** The `match` glob, for messages. */
  readonly match: string
  /** The Secret that git logs in with instead of the forge's token; its images have the same. */
  readonly cloneSecret?: string
  /** Where its builds run and their Secrets are, the build namespace unless said; its images have the same. */
  readonly namespace?: string
  /** The name of the secrets that alone sign its webhooks; undefined: those of the forge do. */
  readonly webhookSecret?: string
  readonly images: readonly ImageRule[]
  readonly pullRequests: PullRequestPolicy
  /** A status for each image (where it is not said), or one for all images of a push. */
  readonly report?: 'each' | 'summary'
  /** Undefined: the repository has no say. */
  readonly ownFile?: OwnFileRule | undefined
  /** Why the ref is not built, e.g. `branch "x" is not in branches [main]`; undefined: it is built. */
  unwanted(event: RefEvent): string | undefined
}

/**
 * Which pull requests are built: none, those whose head is a branch of the same repository, or beside
 * those every commit of others that somebody has approved.
 */
export type PullRequestPolicy = 'never' | 'trusted' | 'approved'

/** As much of an event as tells whether a ref is wanted. */
export type RefEvent = Pick<PushEvent, 'ref' | 'defaultBranch' | 'pullRequest'>

/** kanihook.yaml as it stands now; it is read again when the file changes. */
export interface Rules {
  /**
   * The first entry whose `match` fits `host/path`, or undefined. For `uploadRepository(name)`: the image of that
   * name under `uploads`.
   */
  find(repository: Repository): RepositoryRule | undefined
}
