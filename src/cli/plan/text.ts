import { oneLine } from '../words.ts'
import { isBuilt, unknowns, type PlanAnswer } from './answer.ts'

/** The answer for people. Pure. */
export function toText(answer: PlanAnswer): string[] {
  const { repository, entry, nothing, refs } = answer
  const decides = entry === undefined ? [] : [`${repository}: the entry ${entry} decides`]
  if (nothing !== undefined) return [...decides, oneLine(nothing)]
  const lines = refs.flatMap(({ ref, sha, reason, images }) => [
    '',
    oneLine(`${ref} at ${sha}`),
    `  ${oneLine(`${images.length > 0 ? 'built' : 'not built'}: ${reason}`)}`,
    ...images.flatMap(imageLines),
  ])
  return [...decides, ...lines, ...(isBuilt(answer) ? ['', unknowns, ids] : [])]
}

const ids = 'Ids are examples. -o yaml prints the objects.'

function imageLines({
  name,
  build,
  reason,
  said,
  objects,
}: PlanAnswer['refs'][number]['images'][number]): string[] {
  if (build === undefined) return ['', `  image ${name}: fails: ${oneLine(reason)}`]
  const { plan } = build
  const facts: [string, string | undefined][] = [
    ...plan.destinations.map((destination): [string, string] => ['pushes', destination]),
    ['with', plan.pushSecret === undefined ? 'no login' : `the Secret ${plan.pushSecret}`],
    ['from', `${plan.dockerfile}, context ${plan.context}`],
    ['cloned', plan.cloneSecret === undefined ? undefined : `with the Secret ${plan.cloneSecret}`],
    ['target', plan.target],
    ['on', (plan.platforms ?? [plan.platform]).join(', ') || undefined],
    ['paths', reason],
    ['own', said.length > 0 ? `${said.join(', ')}: by the repository's .kanihook.yaml` : undefined],
    ...objects.map(({ job: { metadata } }): [string, string] => [
      'as',
      `Job ${metadata?.name} in ${metadata?.namespace}`,
    ]),
  ]
  return [
    '',
    `  image ${name}`,
    ...facts.flatMap(([what, value]) =>
      value === undefined ? [] : [`    ${what.padEnd(6)}  ${oneLine(value)}`],
    ),
  ]
}
