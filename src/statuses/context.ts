import { createHash } from 'node:crypto'
import type { BuildPlan } from '../builds/build.ts'
import { parseRef } from '../builds/push-event.ts'

type Shown = Pick<BuildPlan, 'repository' | 'ref' | 'image' | 'sha' | 'summary'>

/**
 * The name of a status on a commit: `kanihook/<image>`, where one stands for a whole push `kanihook`, and for
 * tags `kanihook/<image> (<tag>)`, so that a tag's build does not take the place of its branch's.
 */
export function statusContext({
  image,
  ref,
  summary,
}: Pick<BuildPlan, 'image' | 'ref' | 'summary'>): string {
  const { kind, name } = parseRef(ref)
  const context = summary ? 'kanihook' : `kanihook/${image}`
  return kind === 'tag' ? `${context} (${name})` : context
}

/** The id under which the builds that share one status are found; forges fold its context's case. */
export function statusId(build: Shown): string {
  const { repository, sha } = build
  const context = statusContext(build).toLowerCase()
  const parts = JSON.stringify([repository.forge, repository.id, sha, context])
  return createHash('sha256').update(parts).digest('hex').slice(0, 40)
}

/** What tells the builds of one status apart: of each there is the newest alone. No ref holds a space. */
export const statusField = ({ ref, image, summary }: Shown): string =>
  summary ? `${ref} ${image}` : ref
