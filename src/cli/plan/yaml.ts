import { stringify } from 'yaml'
import { indexPart } from '../../builds/parts.ts'
import { oneLine } from '../words.ts'
import { isBuilt, unknowns, type PlanAnswer } from './answer.ts'
import type { JobObjects } from './objects.ts'

/** The objects of the answer, for `kubectl create -f -`, with the reasons as comments. Pure. */
export function toYaml(answer: PlanAnswer): string {
  const { repository, entry, nothing, refs } = answer
  const head = [
    entry === undefined ? repository : `${repository}: the entry ${entry} decides`,
    ...(nothing === undefined ? [] : [nothing]),
    ...(isBuilt(answer) ? [unknowns, ids] : []),
  ]
  const parts = refs.flatMap(({ ref, sha, reason, images }) => {
    const decision = `${ref} at ${sha}: ${images.length > 0 ? 'built' : 'not built'}: ${reason}`
    return [
      comment(decision),
      ...images.flatMap(({ name, reason, said, objects }) =>
        objects.length > 0
          ? [comment(`image ${name}; paths: ${reason}${bySelf(said)}`), ...objects.map(documents)]
          : [comment(`image ${name} fails: ${reason}`)],
      ),
    ]
  })
  return [head.map(comment).join('\n'), ...parts].join('\n')
}

const ids =
  'Ids in names, labels and annotations are examples: kanihook knows nothing of what is made by hand.'

const bySelf = (said: readonly string[]): string =>
  said.length > 0 ? `; by the repository's .kanihook.yaml: ${said.join(', ')}` : ''

function documents({ secret, job }: JobObjects): string {
  const { name = '', namespace = '' } = job.metadata ?? {}
  const kubectl = `  kubectl --namespace ${namespace} delete`
  if (isIndex(job)) {
    return [
      '---',
      comment(
        'Makes the index of what the Jobs above have pushed. Fill in their digests, in the order of',
      ),
      comment('platforms, before this is created. To remove it when done:'),
      comment(`${kubectl} job ${name}`),
      written(job),
    ].join('\n')
  }
  if (!secret) return ['---', written(job)].join('\n')
  return [
    '---',
    comment(
      'The login of the clone. Without a password, as here, it is right for what everybody may',
    ),
    comment('read; for the rest fill in a token before this is created. To remove both when done:'),
    comment(`${kubectl} ${job.kind?.toLowerCase()},secret ${name}`),
    written(secret),
    '---',
    written(job),
  ].join('\n')
}

const isIndex = ({ metadata }: JobObjects['job']): boolean =>
  metadata?.annotations?.['kanihook.dev/part'] === indexPart

const comment = (text: string): string => `# ${text.startsWith(' ') ? text : oneLine(text)}`

/** kubectl reads YAML 1.1, in which `on` and `1:30` are no texts unless they are quoted. */
const written = (object: object): string =>
  stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }).trimEnd()
