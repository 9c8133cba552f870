import type { Outcome, TagClaim } from './build.ts'
import { leftToOthers, movedOn } from './image-plan.ts'
import type { RefStore } from './ports.ts'
import { isPullRequest, type PushEvent } from './push-event.ts'
import type { ImageRule, RepositoryRule } from './rules.ts'
import { isOfUpload } from './upload.ts'

export interface ClaimOptions {
  readonly event: PushEvent
  readonly entry: RepositoryRule
  readonly refs: Pick<RefStore, 'claimTag'>
}

/**
 * Takes an image's tags. One that moved on to a newer version is left out, and so is a commit's that a
 * pull request leaves to a branch; another's is a problem. `ended`: why there is nothing to build.
 */
export async function claimTags(
  claims: readonly TagClaim[],
  { event, entry, refs }: ClaimOptions,
): Promise<{ destinations: string[]; ended?: Outcome }> {
  const destinations: string[] = []
  const yields = isHeadBuilt(event, entry)
  for (const claim of claims) {
    if (claim.yields && yields) continue
    const owner = await refs.claimTag(
      claim,
      (other) => isRenamed(other, claim, entry.images) || isOfUpload(other),
    )
    if (!owner) destinations.push(claim.destination)
    else if (!claim.yields && !isNewerVersion(owner, claim)) {
      const reason = `Tag ${claim.destination} belongs to ${ownerName(owner, claim)}`
      return { destinations, ended: { state: 'failed', reason } }
    }
  }
  if (destinations.length > 0) return { destinations }
  if (isPullRequest(event.ref)) return { destinations, ended: leftToOthers }
  return { destinations, ended: { state: 'failed', reason: movedOn } }
}

/** Whether the branch that a pull request comes from is built itself, and so pushes its commits' tags. */
const isHeadBuilt = ({ pullRequest, defaultBranch }: PushEvent, entry: RepositoryRule): boolean =>
  pullRequest !== undefined &&
  !pullRequest.fork &&
  entry.unwanted({ ref: `refs/heads/${pullRequest.head}`, defaultBranch }) === undefined

/** An image that kanihook.yaml no longer has leaves its tags to those that it has. */
const isRenamed = (owner: TagClaim, claim: TagClaim, images: readonly ImageRule[]): boolean =>
  owner.repositoryId === claim.repositoryId && !images.some(({ name }) => name === owner.image)

const isNewerVersion = (owner: TagClaim, claim: TagClaim): boolean =>
  owner.version !== undefined &&
  claim.version !== undefined &&
  owner.repositoryId === claim.repositoryId &&
  owner.image === claim.image

/** Who has a tag that another wants, for the one who does not get it. */
export function ownerName(owner: TagClaim, claim: TagClaim): string {
  if (owner.repositoryId !== claim.repositoryId)
    return isOfUpload(owner)
      ? `image ${owner.image} of uploads`
      : `image ${owner.image} of repository ${owner.repositoryId}`
  if (owner.image !== claim.image) return `image ${owner.image}`
  return owner.ref || 'every ref of this image'
}
