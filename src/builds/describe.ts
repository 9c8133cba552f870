import { isEnded, type Build } from './build.ts'
import type { StepName } from './containers.ts'
import { indexPart, naming, openParts, partOf } from './parts.ts'
import { duration } from './duration.ts'
import { countsText, worstOf } from './scan.ts'

/** Forges refuse or cut longer descriptions: GitHub answers 422 from 141 characters on. */
export const maxDescription = 140

/** Cuts a text to a length in characters, keeping both ends: the cause is often in the last words. */
export function shorten(text: string, length = maxDescription): string {
  const characters = Array.from(text.replace(/\s+/g, ' ').trim())
  if (characters.length <= length) return characters.join('')
  const head = Math.ceil((length - 1) * 0.6)
  const tail = length - 1 - head
  return `${characters.slice(0, head).join('')}…${characters.slice(-tail).join('')}`
}

/** What a build's status says: one sentence of at most 140 characters. */
export const describeBuild = (build: Build): string => withFinder(sentence(build), build)

/** Cuts what a status says to its length; that the sweep found the push stays on it. */
export function withFinder(text: string, { foundBy }: Pick<Build, 'foundBy'>): string {
  const found = foundBy === undefined ? '' : '; found by the sweep'
  return `${shorten(text, maxDescription - found.length)}${found}`
}

/** What else a build does than to build. */
const stages: Partial<Record<StepName, string>> = {
  scanning: 'Scanning',
  publishing: 'Pushing',
}

const stageOf = (step: StepName = 'building'): string => stages[step] ?? 'Building'

/** Before its pod has started a build has no stage. */
const heldUp = (step: StepName, note: string): string =>
  step === 'queued' || step === 'starting' ? note : `${stageOf(step)}: ${note}`

function sentence(build: Build): string {
  const { outcome } = build
  if (!isEnded(build.state) || !outcome) return progress(build)
  if (outcome.state !== 'succeeded') return outcome.reason
  const [first, ...more] = outcome.pushed
  if (!first) return 'Pushed'
  const others = more.length > 0 ? ` and ${more.length} more` : ''
  const digest = `${first.digest.slice(0, 'sha256:'.length + 12)}…`
  const found = findings(build)
  return `Pushed ${first.destination}${others} in ${duration(buildTime(build))} (${digest})${found}`
}

/** What a scan found that does not keep the image back. */
function findings({ scans = [] }: Build): string {
  const worst = worstOf(scans)
  const counts = worst ? countsText(worst) : ''
  return counts === '' ? '' : `, vulnerable: ${counts}`
}

/** Of several parts, one that is held up speaks for all. */
function progress(build: Build): string {
  if (build.state === 'waiting') return build.steps.at(-1)?.note || 'Queued'
  const open = openParts(build)
  for (const part of open) {
    const step = partOf(build, part).steps.at(-1)
    if (step?.note) return naming(part, heldUp(step.name, step.note))
  }
  if (build.state !== 'running') return 'Queued'
  if (open.includes(undefined)) return stageOf(build.steps.at(-1)?.name)
  return open.includes(indexPart) ? 'Publishing the index' : `Building ${open.join(', ')}`
}

/** From the first start of the Job to the end, in milliseconds. */
export function buildTime(build: Build): number {
  const started = build.steps.find((step) => step.name === 'starting')?.at ?? build.createdAt
  return (build.endedAt ?? started) - started
}
