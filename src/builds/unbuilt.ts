import { buildId, type BuildPlan, type Outcome } from './build.ts'
import { causedBy } from './cause.ts'
import { planImage } from './image-plan.ts'
import { imagesAt } from './own-file.ts'
import type { BuildStore, GitRemote, RefRecord } from './ports.ts'
import type { Delivery, PushEvent, Repository } from './push-event.ts'
import type { ImageRule, RepositoryRule, Rules } from './rules.ts'

export interface UnbuiltOptions {
  readonly git: Pick<GitRemote, 'file'>
  readonly builds: Pick<BuildStore, 'create'>
  readonly rules: Rules
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A commit that is not built, and the images that it would have. */
export interface UnbuiltCommit extends Pick<RefRecord, 'generation'> {
  readonly sha: string
  readonly images: readonly ImageRule[]
}

/** Commits that are not built, of which their authors must hear all the same. */
export interface Unbuilt {
  /** Ends every image at the commit. Returns the builds' ids; they never take the place of real ones. */
  end(delivery: Delivery, commit: UnbuiltCommit, ended: Outcome): Promise<readonly string[]>
  /** Images at a commit, as far as they can be told: git may be what cannot be asked. */
  images(repository: Repository, sha: string): Promise<readonly ImageRule[]>
}

export const createUnbuilt = ({ git, builds, rules, now }: UnbuiltOptions): Unbuilt => ({
  async end(delivery, { generation, sha, images }, ended) {
    const { event } = delivery
    const { repository, ref } = event
    const shared = {
      ...causedBy(delivery),
      ...headBranch(event),
      ...summaryOf(rules.find(repository), images),
    }
    return Promise.all(
      images.map(async (rule) => {
        const identity = { repository, ref, generation, image: rule.name, attempt: 0, sha }
        const id = buildId(identity)
        const { plan } = planImage(rule, repository, ref, sha, now())
        await builds.create({ ...identity, id, plan, ...shared }, ended)
        return id
      }),
    )
  },

  async images(repository, sha) {
    const rule = rules.find(repository)
    if (!rule) return []
    const { images } = await imagesAt(rule, git, repository, sha).catch(() => rule)
    return images
  },
})

/** What the record of a pull request's build says beside that of a branch's. */
export const headBranch = ({ pullRequest }: PushEvent): { headBranch?: string } =>
  pullRequest ? { headBranch: pullRequest.head } : {}

/** What makes one status of a push, where its entry wants one. */
export const summaryOf = (
  entry: RepositoryRule | undefined,
  images: readonly ImageRule[],
): Pick<BuildPlan, 'summary'> =>
  entry?.report === 'summary' ? { summary: { images: images.map(({ name }) => name) } } : {}
