import type { Build, BuildState } from '../builds/build.ts'
import type { StoredLog } from '../builds/ports.ts'
import type { Repository } from '../builds/push-event.ts'

/** Which builds are listed, newest first. */
export interface BuildQuery {
  /** `acme/app`, or `github.com/acme/app`. */
  readonly repository: string | undefined
  readonly state: BuildState | undefined
  /** At least 1. */
  readonly limit: number
  /** Only builds made before this time, in milliseconds since the epoch. */
  readonly before: number | undefined
}

/** What an operator can ask about builds and do with them. */
export interface AdminBuilds {
  list(query: BuildQuery): Promise<readonly Build[]>
  get(id: string): Promise<Build | undefined>
  log(id: string): Promise<StoredLog>
  /**
   * Builds the same commit again as the next attempt; returns the new build, or undefined where there
   * is no such build. Throws PermanentError with a sentence where its state forbids it. `by` is shown
   * as the cause.
   */
  rebuild(id: string, by: string): Promise<Build | undefined>
  /**
   * Asks a build to end; returns the build as it is then, or undefined where there is no such build.
   * Throws PermanentError with a sentence where it has ended already.
   */
  cancel(id: string, by: string): Promise<Build | undefined>
}

export interface AdminRepositories {
  /**
   * Says yes to a repository whose name was known under another id. Returns false where the name was
   * never seen: there is nothing to say yes to.
   */
  trust(repository: Pick<Repository, 'forge' | 'path' | 'id'>, by: string): Promise<boolean>
}
