import type { Build } from '../../builds/build.ts'
import { exampleBuild } from '../../builds/example-build.ts'
import { planImage } from '../../builds/image-plan.ts'
import { parseRef, type Repository } from '../../builds/push-event.ts'
import type { ImageRule, RepositoryRule } from '../../builds/rules.ts'
import type { EntryConfig } from '../../settings/config.ts'
import type { FoundRef } from './find-refs.ts'

/** What a push of a ref, as it is now, would lead to. */
export interface RefDecision {
  readonly ref: string
  readonly sha: string
  /** Why the entry builds the ref, or does not. */
  readonly reason: string
  /** Empty where the ref is not built. */
  readonly images: readonly ImageDecision[]
}

export interface ImageDecision {
  readonly name: string
  /** What is built; undefined: nothing, for the reason. */
  readonly build: Build | undefined
  readonly reason: string
}

export interface Situation {
  readonly repository: Repository
  readonly entry: EntryConfig
  readonly rule: RepositoryRule
  readonly defaultBranch: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Decides as the planner does of a first push, where nothing was built and no tag taken before. Pure. */
export function decide({ ref, head }: FoundRef, situation: Situation): RefDecision {
  const { entry, rule, defaultBranch } = situation
  const unwanted = rule.unwanted(ref, defaultBranch)
  const images =
    unwanted === undefined
      ? rule.images.map((image) => decideImage(image, ref, head.commit, situation))
      : []
  return { ref, sha: head.commit, reason: unwanted ?? whyWanted(ref, entry), images }
}

function decideImage(
  image: ImageRule,
  ref: string,
  sha: string,
  { repository, now }: Situation,
): ImageDecision {
  const { name } = image
  const { plan, problem } = planImage(image, repository, ref, sha, now)
  if (problem !== undefined) return { name, build: undefined, reason: problem }
  const identity = { repository, ref, sha, image: name }
  const build = exampleBuild({ identity, plan, cause: 'kanihook plan', now })
  return { name, build, reason: pathsReason(image, ref) }
}

function whyWanted(ref: string, { branches, tags }: EntryConfig): string {
  const { kind, name } = parseRef(ref)
  if (kind === 'tag') return `tag "${name}" is in tags [${tags.join(', ')}]`
  if (branches === undefined) return `branch "${name}" is the default branch`
  return `branch "${name}" is in branches [${branches.join(', ')}]`
}

function pathsReason({ paths }: ImageRule, ref: string): string {
  if (paths === undefined) return 'whatever files changed'
  if (parseRef(ref).kind === 'tag') return 'a tag is built whatever its paths'
  return 'compared with nothing: where the image was built from this branch before, only if a file of its paths has changed since'
}
