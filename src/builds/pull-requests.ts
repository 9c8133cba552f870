import type { Outcome } from './build.ts'
import type { GitRemote, RefHead } from './ports.ts'
import { parseRef, type PushEvent } from './push-event.ts'

/** The end of a commit that nobody has approved: a required check stays open, and no branch is red for it. */
export const unapproved: Outcome = {
  state: 'cancelled',
  reason:
    'Not built: not from a branch of this repository, and this commit is not approved (kanihook approve)',
}

/**
 * Why the present head of a pull request is not to be built, or undefined where it is. An event says
 * where a pull request comes from, git says whether that is so: its commit is trusted where a branch of
 * the repository itself points at it, since only who may push there can have put it there. (At Gitea,
 * a push to `refs/for/…` by anybody who may read makes a pull request that claims to be no fork's.)
 */
export async function distrust(
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
