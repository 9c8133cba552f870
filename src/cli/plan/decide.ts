import type { Build } from '../../builds/build.ts'
import { exampleBuild } from '../../builds/example-build.ts'
import { planImage } from '../../builds/image-plan.ts'
import type { RefHead } from '../../builds/ports.ts'
import { parseRef, type Repository } from '../../builds/push-event.ts'
import type { ImageRule, RepositoryRule } from '../../builds/rules.ts'
import type { EntryConfig } from '../../settings/config.ts'
import type { RemoteRefs } from '../../git/remote-refs.ts'
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
  /** What the repository has beside the ref. */
  readonly remote: RemoteRefs
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Decides as the planner does of a first push, where nothing was built and no tag taken before. Pure. */
export function decide({ ref, head }: FoundRef, situation: Situation): RefDecision {
  const { entry, rule, remote } = situation
  const { defaultBranch } = remote
  const unwanted = rule.unwanted({ ref, defaultBranch }) ?? notOwn(ref, head, remote)
  const images =
    unwanted === undefined
      ? rule.images.map((image) => decideImage(image, ref, head.commit, situation))
      : []
  return { ref, sha: head.commit, reason: unwanted ?? whyWanted(ref, entry), images }
}

/** Of a pull request: why its head is not to be built. Whose it is git knows by the branches alone. */
function notOwn(ref: string, { commit }: RefHead, { heads }: RemoteRefs): string | undefined {
  const { kind, name } = parseRef(ref)
  const isBranch = ([branch, head]: [string, RefHead]) =>
    head.commit === commit && parseRef(branch).kind === 'branch'
  if (kind !== 'pull request' || [...heads].some(isBranch)) return undefined
  return `pull request ${name}: no branch of the repository itself points at its commit, so it comes from a fork or is over`
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
  if (kind === 'pull request') {
    return `pull request ${name}, should the branch that it is to be merged into be built: git does not know that one`
  }
  if (kind === 'tag') return `tag "${name}" is in tags [${tags.join(', ')}]`
  if (branches === undefined) return `branch "${name}" is the default branch`
  return `branch "${name}" is in branches [${branches.join(', ')}]`
}

function pathsReason({ paths }: ImageRule, ref: string): string {
  if (paths === undefined) return 'whatever files changed'
  if (parseRef(ref).kind === 'tag') return 'a tag is built whatever its paths'
  return 'compared with nothing: where the image was built from it before, only if a file of its paths has changed since'
}
