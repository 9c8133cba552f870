import type { Build } from '../../builds/build.ts'
import { exampleBuild } from '../../builds/example-build.ts'
import { planImage } from '../../builds/image-plan.ts'
import type { ImagesAt } from '../../builds/own-file.ts'
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
  /** Its keys that the repository's own file says. */
  readonly said: readonly string[]
}

export interface Situation {
  readonly repository: Repository
  readonly entry: EntryConfig
  readonly rule: Pick<RepositoryRule, 'unwanted' | 'pullRequests'>
  /** What the repository has beside the ref. */
  readonly remote: RemoteRefs
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Why a ref is not built; undefined: it is. */
export function unwantedRef({ ref, head }: FoundRef, situation: Situation): string | undefined {
  const { rule, remote } = situation
  const { defaultBranch } = remote
  return rule.unwanted({ ref, defaultBranch }) ?? notOwn(ref, head, situation)
}

/**
 * Decides as the planner does of a first push, where nothing was built and no tag taken before. `at`: what is built
 * of the repository at that commit. Pure.
 */
export function decide(found: FoundRef, at: ImagesAt, situation: Situation): RefDecision {
  const { ref, head } = found
  const { entry } = situation
  const unwanted = unwantedRef(found, situation)
  const images =
    unwanted === undefined
      ? at.images.map((image) => decideImage(image, ref, head.commit, at, situation))
      : []
  return { ref, sha: head.commit, reason: unwanted ?? whyWanted(ref, entry), images }
}

/** Of a pull request: why its head is not to be built. Whose it is git knows by the branches alone. */
function notOwn(ref: string, { commit }: RefHead, { remote, rule }: Situation): string | undefined {
  const { kind, name } = parseRef(ref)
  const isBranch = ([branch, head]: [string, RefHead]) =>
    head.commit === commit && parseRef(branch).kind === 'branch'
  if (kind !== 'pull request' || [...remote.heads].some(isBranch)) return undefined
  const why = `pull request ${name}: no branch of the repository itself points at its commit, so it comes from a fork or is over`
  return rule.pullRequests === 'approved' ? `${why}; where it was approved it is built` : why
}

function decideImage(
  image: ImageRule,
  ref: string,
  sha: string,
  at: ImagesAt,
  { repository, now }: Situation,
): ImageDecision {
  const { name } = image
  const said = at.said?.get(name) ?? []
  const { plan, problem: ofTags } = planImage(image, repository, ref, sha, now)
  const problem = at.problem ?? ofTags
  if (problem !== undefined) return { name, build: undefined, reason: problem, said }
  const identity = { repository, ref, sha, image: name }
  const build = exampleBuild({ identity, plan, cause: 'kanihook plan', now })
  return { name, build, reason: pathsReason(image, ref), said }
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
