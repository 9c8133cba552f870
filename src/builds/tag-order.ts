import { isEnded, type Build, type BuildPlan } from './build.ts'
import { parseRef } from './push-event.ts'

/**
 * Whether an older build has to end before a newer one that pushes some of its tags may start, so that it
 * cannot move them back. One that has not started claims its moving tags once more when it does: those that
 * the newer one has taken are lost to it by then, and not waited for. Pure.
 */
export function endsFirst(older: Build, newer: BuildPlan): boolean {
  if (isEnded(older.state)) return false
  const lost =
    older.state === 'waiting' ? older.moving?.map(({ destination }) => destination) : undefined
  return older.plan.destinations.some(
    (tag) =>
      newer.plan.destinations.includes(tag) &&
      !lost?.includes(tag) &&
      !isOfOneCommit(tag, older, newer),
  )
}

/** A tag that names the commit of both: a branch and a git tag that are pushed together need not wait. */
const isOfOneCommit = (tag: string, older: BuildPlan, newer: BuildPlan): boolean =>
  older.sha === newer.sha &&
  tag.slice(tag.lastIndexOf(':')).includes(newer.sha.slice(0, 12)) &&
  isPushed(older) &&
  isPushed(newer)

/** By somebody who may push: what a pull request builds is not what a branch does. */
const isPushed = ({ ref }: BuildPlan): boolean => ['branch', 'tag'].includes(parseRef(ref).kind)
