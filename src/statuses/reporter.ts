import { isDeepStrictEqual } from 'node:util'
import type { Build } from '../builds/build.ts'
import type { BuildStore, RefStore } from '../builds/ports.ts'
import type { Repository } from '../builds/push-event.ts'
import { PermanentError, RetryLater } from '../errors.ts'
import type { CommitStatus, ForgeClient } from '../forges/forge.ts'
import { desiredStatus, type PageUrl } from './desired.ts'
import { refusalOf, tryAgainMs, type Refusal } from './refusal.ts'

/** What a forge was told last. */
export interface Shown {
  /** Undefined: nothing yet. */
  readonly status?: CommitStatus
  /** What the forge's next post for this commit and context must know. */
  readonly memory?: string
  /** How often the forge has refused since it last took one. */
  readonly refusals?: number
  /** Why the forge does not show what it should; undefined: nothing that it refused is owed. */
  readonly refused?: Refusal
}

/** Desired and shown statuses; an id stands for one context on one commit. */
export interface StatusStore {
  /** The newest build of each ref that shares the status, and what was shown last. */
  read(id: string): Promise<{ builds: readonly string[]; shown: Shown | undefined }>
  recordShown(id: string, shown: Shown): Promise<void>
  /** Does the work unless another process is at this status; false: another is. */
  exclusively(id: string, work: () => Promise<void>): Promise<boolean>
}

/** A status that a forge took, or refused. */
export interface Post {
  readonly repository: Repository
  readonly sha: string
  /** The ids of the builds that share the status. */
  readonly builds: readonly string[]
  readonly status: CommitStatus
  /** The one of them that it tells of. */
  readonly about: Build
  /** The commit showed nothing before. */
  readonly first: boolean
}

export interface ReporterOptions {
  readonly store: StatusStore
  readonly builds: Pick<BuildStore, 'get'>
  readonly refs: Pick<RefStore, 'ref'>
  readonly forges: ReadonlyMap<string, ForgeClient>
  /** Undefined: there are no pages. */
  readonly pageUrl: PageUrl
  /** A status was taken, or refused: then until when it rests, in milliseconds; undefined: until it changes. */
  readonly posted?: (
    post: Post,
    refused?: Refusal & { readonly againMs: number | undefined },
  ) => void
}

/**
 * Brings what a forge shows to what it should show: level-triggered, so that late, doubled and
 * reordered calls end the same. Throws RetryLater when the forge must be asked again later.
 */
export function createReporter(options: ReporterOptions): (id: string) => Promise<void> {
  const { store, builds, refs, forges, pageUrl, posted } = options

  /** Of the refs whose pushes have one status. */
  async function generationsOf(builds: readonly Build[]): Promise<Map<string, number>> {
    const generations = new Map<string, number>()
    for (const { repository, ref, summary } of builds) {
      if (!summary || generations.has(ref)) continue
      generations.set(ref, (await refs.ref(repository, ref)).generation)
    }
    return generations
  }

  async function post(id: string): Promise<void> {
    // Until they are equal: a build may move on while its status is on the way.
    for (;;) {
      const { builds: ids, shown } = await store.read(id)
      const records = await Promise.all(ids.map((build) => builds.get(build)))
      const present = records.filter((build) => build !== undefined)
      const generations = await generationsOf(present)
      const desired = desiredStatus(present, pageUrl, (ref) => generations.get(ref))
      if (!desired || isDeepStrictEqual(desired.status, shown?.status)) return
      const { status, build } = desired
      const forge = forges.get(build.repository.forge)
      if (!forge) return
      const { repository, sha, ref, headBranch } = build
      const first = shown?.status === undefined
      const posting = { repository, sha, builds: ids, status, about: build, first }
      try {
        const memory = await forge.postStatus({
          repository,
          sha,
          ref,
          ...(headBranch === undefined ? {} : { headBranch }),
          status,
          memory: shown?.memory,
        })
        await store.recordShown(id, { status, ...(memory === undefined ? {} : { memory }) })
        posted?.(posting)
      } catch (error) {
        if (!(error instanceof PermanentError)) throw error
        const refused = refusalOf(error)
        const refusals = (shown?.refusals ?? 0) + 1
        const againMs = tryAgainMs(refused, refusals)
        posted?.(posting, { ...refused, againMs })
        const givenUp = againMs === undefined
        await store.recordShown(id, { ...shown, ...(givenUp ? { status } : {}), refusals, refused })
        if (!givenUp) throw new RetryLater(error.message, { afterMs: againMs })
      }
    }
  }

  return async function report(id) {
    const done = await store.exclusively(id, () => post(id))
    if (!done) throw new RetryLater('Another process is at this status', { afterMs: 250 })
  }
}
