import type { ImageDecision, RefDecision } from './decide.ts'
import type { JobObjects } from './objects.ts'

/** What `kanihook plan` found out. */
export interface PlanAnswer {
  /** `host/path` */
  readonly repository: string
  /** The `match` of the entry that decides; undefined where none does. */
  readonly entry: string | undefined
  /** Why there is no ref to decide about; undefined where there is. */
  readonly nothing: string | undefined
  readonly refs: readonly (Omit<RefDecision, 'images'> & {
    readonly images: readonly (ImageDecision & { readonly objects: readonly JobObjects[] })[]
  })[]
}

export const isBuilt = ({ refs }: PlanAnswer): boolean =>
  refs.some(({ images }) => images.some(({ build }) => build !== undefined))

/** What only a running kanihook knows. */
export const unknowns =
  'Not asked, as only a running kanihook knows it: what was built last, and whose a tag is.'

/** For programs: the same, with the objects ready for `kubectl create`. */
export function toJson({ repository, entry, nothing, refs }: PlanAnswer): object {
  return {
    repository,
    entry: entry ?? null,
    reason: nothing ?? null,
    refs: refs.map(({ ref, sha, reason, images }) => ({
      ref,
      sha,
      reason,
      images: images.map(({ name, build, reason, said, objects }) => ({
        name,
        built: build !== undefined,
        reason,
        destinations: build?.plan.destinations ?? [],
        repositoryFile: said,
        objects: objects.flatMap(({ secret, job }) => (secret ? [secret, job] : [job])),
      })),
    })),
  }
}
