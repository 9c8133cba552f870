import type { ImagePlan } from '../../builds/build.ts'
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
    ['with', pushLogin(plan)],
    ['pulls', plan.pullSecret === undefined ? undefined : `with the Secret ${plan.pullSecret}`],
    ['from', `${plan.dockerfile}, context ${plan.context}`],
    ['cloned', clone(plan)],
    ['target', plan.target],
    ['on', (plan.platforms ?? [plan.platform]).join(', ') || undefined],
    ['cache', cache(plan)],
    ['scan', scan(plan)],
    ['paths', reason],
    ['own', said.length > 0 ? `${said.join(', ')}: by the repository's .kanihook.yaml` : undefined],
    ...objects.map(({ job: { kind, metadata } }): [string, string] => [
      'as',
      `${kind} ${metadata?.name} in ${metadata?.namespace}`,
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

function pushLogin({ pushSecret, publish }: ImagePlan): string {
  const login = pushSecret === undefined ? 'no login' : `the Secret ${pushSecret}`
  return publish === 'apart' ? `${login}, by a container of its own (publish: apart)` : login
}

/** What is said of the clone beside the commit; undefined: nothing. */
function clone({ cloneSecret, submodules, lfs, sparse }: ImagePlan): string | undefined {
  const facts = [
    cloneSecret !== undefined && `with the Secret ${cloneSecret}`,
    submodules && 'with submodules',
    lfs && 'with the content of Git LFS',
    sparse && 'the files of the context alone (sparse)',
  ]
  return facts.filter(Boolean).join(', ') || undefined
}

const cache = ({ cache: { enabled, repository, readOnly } }: ImagePlan): string | undefined =>
  enabled ? `${repository}${readOnly ? ', which is only read' : ''}` : undefined

function scan({ scan }: ImagePlan): string | undefined {
  if (!scan) return undefined
  const which = `${scan.severities.join(', ')}${scan.ignoreUnfixed ? ', if mended by a newer version' : ''}`
  return `${which}: ${scan.onFindings === 'fail' ? 'fails the build' : 'is told (onFindings: warn)'}`
}
