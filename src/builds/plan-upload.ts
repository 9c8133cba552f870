import { PermanentError } from '../errors.ts'
import { buildId, type Build, type TagClaim } from './build.ts'
import { ownerName } from './claim-tags.ts'
import { planImage } from './image-plan.ts'
import type { BuildStore, RefStore } from './ports.ts'
import type { ImageRule, Rules } from './rules.ts'
import { isOfUpload, uploadRepository } from './upload.ts'

/** What a person may choose about one build; what kanihook.yaml says holds for the rest. */
export interface UploadWish {
  /** An image under `uploads`. */
  readonly image: string
  readonly dockerfile?: string | undefined
  readonly target?: string | undefined
  /** Beside those of kanihook.yaml, or instead of them; never instead of a Secret's value. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined
  /** Who wants it, shown as the cause. */
  readonly by: string
}

/** An archive that was received whole. */
export interface ReceivedUpload {
  /** 16 hex digits. */
  readonly id: string
  /** SHA-256, in hex: it stands where a build of a push has its commit. */
  readonly sha: string
  readonly bytes: number
}

/** The id of the build that an archive has or would have. */
export const uploadBuildId = (upload: Pick<ReceivedUpload, 'id' | 'sha'>, image: string): string =>
  buildId(identityOf(upload, image))

const identityOf = ({ id, sha }: Pick<ReceivedUpload, 'id' | 'sha'>, image: string) => ({
  repository: uploadRepository(image),
  ref: `refs/uploads/${id}`,
  generation: 1,
  image,
  attempt: 1,
  sha,
})

export interface UploadPlannerOptions {
  readonly refs: Pick<RefStore, 'claimTag'>
  readonly builds: Pick<BuildStore, 'create' | 'get'>
  readonly rules: Rules
  /** Has a build run to its end. */
  readonly enqueue: (id: string) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface UploadPlanner {
  /** Throws PermanentError with a sentence for a wish that cannot be met, before anything is uploaded. */
  check(wish: UploadWish): ImageRule
  /** Makes the build of an archive: each upload is a build of its own. Throws as `check` does. */
  plan(upload: ReceivedUpload, wish: UploadWish): Promise<Build>
}

/** Decides what an uploaded archive leads to. */
export function createUploadPlanner(options: UploadPlannerOptions): UploadPlanner {
  const { refs, builds, rules, enqueue, now } = options

  const ruleOf = (image: string): ImageRule | undefined =>
    rules.find(uploadRepository(image))?.images[0]

  function check({ image, buildArgs = {} }: UploadWish): ImageRule {
    const rule = ruleOf(image)
    if (!rule) throw new PermanentError(`kanihook.yaml has no image "${image}" under uploads`)
    const taken = Object.keys(buildArgs).find((name) => rule.secretBuildArgs?.[name])
    if (taken !== undefined) {
      throw new PermanentError(`the build argument ${taken} comes from a Secret: leave it out`)
    }
    return rule
  }

  /** An image that kanihook.yaml no longer has leaves its tags to those that it has; git leaves none. */
  const isRenamed = (owner: TagClaim): boolean => isOfUpload(owner) && !ruleOf(owner.image)

  async function claim(claims: readonly TagClaim[]): Promise<void> {
    for (const each of claims) {
      const owner = await refs.claimTag(each, isRenamed)
      if (!owner) continue
      throw new PermanentError(`Tag ${each.destination} belongs to ${ownerName(owner, each)}`)
    }
  }

  return {
    check,

    async plan({ id: upload, sha, bytes }, wish) {
      const rule = check(wish)
      const identity = identityOf({ id: upload, sha }, rule.name)
      const planned = planImage(rule, identity.repository, identity.ref, sha, now())
      if (planned.problem !== undefined) throw new PermanentError(planned.problem)
      await claim(planned.claims)
      const { dockerfile, target, buildArgs } = planned.plan
      const id = buildId(identity)
      await builds.create({
        ...identity,
        id,
        cause: `an upload by ${wish.by}`,
        plan: {
          ...planned.plan,
          dockerfile: wish.dockerfile ?? dockerfile,
          target: wish.target ?? target,
          buildArgs: { ...buildArgs, ...wish.buildArgs },
          upload: { id: upload, bytes },
        },
      })
      await enqueue(id)
      const build = await builds.get(id)
      if (!build) throw new Error(`build ${id} has no record`)
      return build
    },
  }
}
