import { isEnded } from '../builds/build.ts'
import { stepName } from '../pages/words.ts'
import type { ApiBuild } from './api/answers.ts'

/** What others said is quoted on one line: none of it may start a line of its own, or paint. */
export const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()

/** `main`, `tags/v1.2.3`: short, and never one for the other. */
export const shortRef = (ref: string): string => oneLine(ref).replace(/^refs\/(heads\/)?/, '')

export const hasEnded = ({ state }: Pick<ApiBuild, 'state'>): boolean => isEnded(state)

/** Whether the build ended as it was to: an image that no changed file concerns is none to build. */
export const wentWell = ({ state }: Pick<ApiBuild, 'state'>): boolean =>
  state === 'succeeded' || state === 'skipped'

/** What came of a build, or where it is and why. */
export const result = (build: ApiBuild): string =>
  [outcome(build), ...(build.foundBy === 'sweep' ? ['found by the sweep'] : [])]
    .filter((text) => text !== '')
    .join('; ')

function outcome(build: ApiBuild): string {
  const { reason, pushed, steps } = build
  if (reason !== null) return oneLine(reason)
  const [first, ...more] = pushed
  if (first) {
    const others = more.length > 0 ? ` and ${more.length} more` : ''
    return oneLine(`Pushed ${first.destination}${others} (${first.digest})`)
  }
  const step = steps.at(-1)
  if (hasEnded(build) || step === undefined) return ''
  const named = { name: step.name, ...(step.part ? { part: step.part } : {}) }
  const name = stepName(named, Boolean(build.upload))
  return oneLine(step.note === null ? name : `${name}: ${step.note}`)
}

/** What could be better about a build, a line each, and why its commit does not show it. */
export const remarkLines = ({ remarks, statusRefused }: ApiBuild): string[] => [
  ...remarks.map((remark) => `Worth a look: ${oneLine(remark)}`),
  ...(statusRefused ? [`Not shown on the commit: ${oneLine(statusRefused)}`] : []),
]

/** `app of acme/app main at 1a2b3c4d5e6f`, or `app of upload 1a2b3c4d5e6f` */
export const about = ({ image, repository, ref, sha, upload }: ApiBuild): string =>
  upload
    ? oneLine(`${image} of upload ${sha.slice(0, 12)}`)
    : oneLine(`${image} of ${repository.path} ${shortRef(ref)} at ${sha.slice(0, 12)}`)
