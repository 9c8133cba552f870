import type { Readable } from 'node:stream'
import type { Build, BuildState } from '../builds/build.ts'
import type { Verbosity } from '../builds/image-plan.ts'
import type { UploadWish } from '../builds/plan-upload.ts'
import type { StoredLog } from '../builds/ports.ts'
import type { Repository } from '../builds/push-event.ts'

/** Which builds are listed, newest first. */
export interface BuildQuery {
  /** What its id begins with; hex digits. */
  readonly id: string | undefined
  /** `acme/app`, or `github.com/acme/app`. */
  readonly repository: string | undefined
  readonly state: BuildState | undefined
  /** At least 1. */
  readonly limit: number
  /** Only builds made before this time, in milliseconds since the epoch. */
  readonly before: number | undefined
}

export interface RebuildWish {
  /** Who wants it, shown as the cause. */
  readonly by: string
  /** How much Kaniko says, in this attempt alone; undefined: as kanihook.yaml said. */
  readonly verbosity?: Verbosity | undefined
}

/** What an operator can ask about builds and do with them. */
export interface AdminBuilds {
  list(query: BuildQuery): Promise<readonly Build[]>
  get(id: string): Promise<Build | undefined>
  /** Why the commit does not show what became of the build: the forge's refusal. Undefined: it does, or will. */
  refusedStatus(build: Build): Promise<string | undefined>
  /** The log from the line with this index on; 0 is the first that ever was. */
  log(id: string, from: number): Promise<StoredLog>
  /**
   * Builds the same commit again as the next attempt; returns the new build, or undefined where there
   * is no such build. Throws PermanentError with a sentence where its state forbids it.
   */
  rebuild(id: string, wish: RebuildWish): Promise<Build | undefined>
  /**
   * Asks a build to end; returns the build as it is then, or undefined where there is no such build.
   * Throws PermanentError with a sentence where it has ended already.
   */
  cancel(id: string, by: string): Promise<Build | undefined>
}

/** One commit of a pull request. */
export interface Approval {
  /** `host/path`, as kanihook.yaml matches it. */
  readonly repository: string
  readonly number: number
  /** The whole id: a beginning could be another commit's, too. */
  readonly sha: string
}

export interface AdminPullRequests {
  /**
   * Has a pull request's commit built that waits for it. Returns the delivery that is planned. Throws
   * PermanentError with a sentence where it is not that commit that waits.
   */
  approve(approval: Approval): Promise<string>
}

/** What a person can have built of a folder. */
export interface AdminUploads {
  /** Bytes of one archive. */
  readonly maxBytes: number
  /** What kanihook.yaml has under `uploads` now. */
  images(): readonly UploadImage[]
  /** See `HeldUploads.build` in src/uploads. */
  build(
    body: Readable,
    declared: number | undefined,
    wish: UploadWish,
    isGone: () => boolean,
  ): Promise<Build>
}

export interface UploadImage {
  readonly name: string
  readonly dockerfile: string
}

export interface AdminRepositories {
  /**
   * Says yes to a repository whose name was known under another id. Returns false where the name was
   * never seen: there is nothing to say yes to.
   */
  trust(repository: Pick<Repository, 'forge' | 'path' | 'id'>, by: string): Promise<boolean>
}
