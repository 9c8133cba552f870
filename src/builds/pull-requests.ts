import { RetryLater } from '../errors.ts'
import type { Outcome } from './build.ts'
import type { Heads } from './heads.ts'
import type { BuildStore, GitRemote, RefHead, RefRecord, RefStore } from './ports.ts'
import { parseRef, type Delivery, type PushEvent } from './push-event.ts'
import type { RepositoryRule } from './rules.ts'
import type { Unbuilt } from './unbuilt.ts'

export interface PullRequestsOptions {
  readonly git: Pick<GitRemote, 'head'>
  readonly refs: Pick<
    RefStore,
    'pullRequestOpen' | 'releaseTags' | 'approvedCommit' | 'awaitApproval'
  >
  readonly builds: Pick<BuildStore, 'active' | 'requestStop'>
  readonly heads: Heads
  readonly unbuilt: Unbuilt
}

/** What a pull request has to pass before its head is built. Other refs pass each method. */
export interface PullRequests {
  /** Why nothing is built, for it is closed; `stopped`: the builds that end by that. */
  over(
    delivery: Delivery,
  ): Promise<{ readonly reason: string; readonly stopped: readonly string[] } | undefined>
  /**
   * Whether its head may be built, or why not, with the builds that say so on the commit. Throws
   * RetryLater while the forge may not have moved it yet.
   */
  trust(
    delivery: Delivery,
    rule: RepositoryRule,
    at: { readonly head: RefHead; readonly record: RefRecord },
  ): Promise<
    { readonly approved: boolean } | { readonly refused: string; readonly ended: readonly string[] }
  >
}

/** The end of a commit that nobody has approved: a required check stays open, and no branch is red for it. */
const unapproved: Outcome = {
  state: 'cancelled',
  reason:
    'Not built: not from a branch of this repository, and this commit is not approved (kanihook approve)',
}

export function createPullRequests(options: PullRequestsOptions): PullRequests {
  const { git, refs, builds, heads, unbuilt } = options

  /** Ends its builds, and gives its tags back. Returns the builds. */
  async function close(event: PushEvent, by: string): Promise<readonly string[]> {
    const { repository, ref } = event
    await heads.gone(event)
    await refs.releaseTags(repository, ref)
    const images = await unbuilt.images(repository, event.before)
    const active = await Promise.all(
      images.map(({ name: image }) => builds.active({ repository, ref, image })),
    )
    const stopped = active.flat()
    for (const id of stopped) await builds.requestStop(id, { why: 'cancelled', by })
    return stopped
  }

  return {
    async over({ event, receivedAt }) {
      const { repository, ref, pullRequest } = event
      if (!pullRequest) return undefined
      const { open, updatedAt } = pullRequest
      // Events may come out of order; whatever a forge's clock says, none is later than its arrival.
      const at = Math.min(updatedAt, receivedAt)
      if (await refs.pullRequestOpen(repository, ref, { open, at })) {
        return open ? undefined : { reason: 'It was opened again since', stopped: [] }
      }
      const { name } = parseRef(ref)
      const stopped = await close(event, `the end of pull request ${name}`)
      return { reason: `Pull request ${name} is closed`, stopped }
    },

    async trust(delivery, rule, { head, record }) {
      const { event } = delivery
      const { repository, ref } = event
      const why = await distrust(event, head, git)
      if (why === undefined) return { approved: false }
      const mayBeApproved = rule.pullRequests === 'approved'
      const { commit: sha } = head
      if (mayBeApproved && (await refs.approvedCommit(repository, ref)) === sha) {
        return { approved: true }
      }
      // A forge moves a branch and its pull request one after the other.
      if (!event.pullRequest?.fork && heads.isFresh(delivery)) {
        throw new RetryLater(why, { afterMs: 500 })
      }
      if (!mayBeApproved) return { refused: `Not built: ${why}`, ended: [] }
      await refs.awaitApproval(delivery, sha)
      // Nothing of the commit is looked at: the images are those of kanihook.yaml.
      const commit = { generation: record.generation, sha, images: rule.images }
      const name = `${repository.host}/${repository.path} ${parseRef(ref).name} ${sha}`
      return {
        refused: `Not built: ${why}; kanihook approve ${name} has it built`,
        ended: await unbuilt.end(delivery, commit, unapproved),
      }
    },
  }
}

/**
 * Why the present head of a pull request is not to be built, or undefined where it is. An event says
 * where a pull request comes from, git says whether that is so: its commit is trusted where a branch of
 * the repository itself points at it, since only who may push there can have put it there. (At Gitea,
 * a push to `refs/for/…` by anybody who may read makes a pull request that claims to be no fork's.)
 */
async function distrust(
  { repository, ref, pullRequest }: PushEvent,
  head: RefHead,
  git: Pick<GitRemote, 'head'>,
): Promise<string | undefined> {
  const { kind, name } = parseRef(ref)
  if (kind !== 'pull request') return undefined
  if (!pullRequest || pullRequest.fork) return `pull request ${name} comes from a fork`
  const branch = await git.head(repository, `refs/heads/${pullRequest.head}`)
  if (branch?.commit === head.commit) return undefined
  return `pull request ${name} is at ${head.commit.slice(0, 12)}, where branch "${pullRequest.head}" of this repository is not`
}
