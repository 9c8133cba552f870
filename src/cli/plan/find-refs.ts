import type { RefHead } from '../../builds/ports.ts'
import { isPullRequest } from '../../builds/push-event.ts'
import type { RemoteRefs } from '../../git/remote-refs.ts'
import { UsageError } from '../command.ts'

export interface FoundRef {
  /** Full name. */
  readonly ref: string
  readonly head: RefHead
}

/**
 * The branch, tag or pull request (`pr:12`) that a person means, or for a commit (seven digits or more) all that point at it: kanihook
 * builds what a ref points at, and nothing else. Empty where there is none. Throws UsageError where the name
 * is a branch's and a tag's.
 */
export function findRefs(given: string, { heads }: RemoteRefs): FoundRef[] {
  const found = (refs: readonly string[]): FoundRef[] =>
    refs.flatMap((ref) => {
      const head = heads.get(ref)
      return head === undefined ? [] : [{ ref, head }]
    })
  if (/^refs\/(heads|tags)\//.test(given)) return found([given])
  const pullRequest = pullRequestRefs(given)
  if (pullRequest.length > 0) return found(pullRequest)
  const named = found([`refs/heads/${given}`, `refs/tags/${given}`])
  if (named.length > 1) {
    throw new UsageError(
      `${given} is a branch and a tag: write refs/heads/${given} or refs/tags/${given}`,
    )
  }
  if (named.length > 0 || !isCommit(given)) return named
  const digits = given.toLowerCase()
  return [...heads]
    .filter(([, { commit, object }]) => commit.startsWith(digits) || object.startsWith(digits))
    .map(([ref, head]) => ({ ref, head }))
}

/** The refs that `pr:12` may mean, each forge having its own; `refs/pull/12/head` means itself. */
export function pullRequestRefs(given: string): string[] {
  const number = /^pr:(\d+)$/.exec(given)?.[1]
  const refs =
    number === undefined
      ? [given]
      : [`refs/pull/${number}/head`, `refs/merge-requests/${number}/head`]
  return refs.filter(isPullRequest)
}

export const isCommit = (given: string): boolean => /^[0-9a-f]{7,64}$/i.test(given)
