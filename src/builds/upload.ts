import type { TagClaim } from './build.ts'
import type { Repository } from './push-event.ts'

/** What stands where a forge has its name: no forge is called so, and no webhook can say it. */
const forge = 'upload'

/**
 * An image under `uploads` of kanihook.yaml, as the repository of its builds' records: what counts builds, tags and
 * rules by repository counts uploads by image.
 */
export const uploadRepository = (image: string): Repository => ({
  forge,
  id: image,
  host: forge,
  path: image,
})

export const isUpload = (repository: Pick<Repository, 'forge'>): boolean =>
  repository.forge === forge

/** Whether a tag was taken by an upload. */
export const isOfUpload = ({ repositoryId }: Pick<TagClaim, 'repositoryId'>): boolean =>
  repositoryId.startsWith(`${forge}/`)

/** What a build says whose archive nobody has any more. */
export const uploadGone =
  'The upload is gone with the process of kanihook that held it (restarted?): upload it again'
