import type { KubeConfig } from '@kubernetes/client-node'
import type { Permission } from '../cluster/permissions.ts'
import { fine, failure, warning, type Remark } from '../remark.ts'
import { mayI, type AccessQuestion } from './cluster-access.ts'

export interface PermissionFacts {
  /** What of the wanted permissions the account lacks: each with the verbs that are missing. */
  readonly missing: readonly Permission[]
  /** What it has and should not, as a sentence goes on from "may". */
  readonly excess: readonly string[]
}

/** `wanted`: what builds need. May it all that, and what no build needs? By SelfSubjectAccessReview: nothing is tried. */
export async function readPermissions(
  config: KubeConfig,
  namespace: string,
  wanted: readonly Permission[],
): Promise<PermissionFacts> {
  const missing = Promise.all(
    wanted.map(async (permission) => {
      const answers = await Promise.all(
        permission.verbs.map(async (verb) => ({
          verb,
          allowed: await mayI(config, { ...permission, verb, namespace }),
        })),
      )
      const verbs = answers.filter(({ allowed }) => !allowed).map(({ verb }) => verb)
      return { ...permission, verbs }
    }),
  )
  const [lacking, excess] = await Promise.all([missing, readExcess(config)])
  return { missing: lacking.filter(({ verbs }) => verbs.length > 0), excess }
}

/** What would let someone who took kanihook over reach beyond the builds. */
const dangers: readonly (readonly [string, AccessQuestion])[] = [
  ['read the Secrets of every namespace', { verb: 'list', group: '', resource: 'secrets' }],
  ['create pods in every namespace', { verb: 'create', group: '', resource: 'pods' }],
  [
    'create pods in kube-system',
    { verb: 'create', group: '', resource: 'pods', namespace: 'kube-system' },
  ],
  [
    'run commands in the pods of every namespace',
    { verb: 'create', group: '', resource: 'pods/exec' },
  ],
]

async function readExcess(config: KubeConfig): Promise<string[]> {
  if (await mayI(config, { verb: '*', group: '*', resource: '*' })) return ['do anything']
  const answers = await Promise.all(
    dangers.map(async ([words, question]) => ((await mayI(config, question)) ? words : undefined)),
  )
  const may = answers.filter((words) => words !== undefined)
  // Every namespace includes that one.
  return may.filter((words) => !(words.endsWith('kube-system') && may.includes(dangers[1]![0])))
}

/** Pure: one line if all is there, else one for each rule that is missing. */
export function permissionRemarks(
  { missing, excess }: PermissionFacts,
  namespace: string,
): Remark[] {
  const all = missing.length === 0 ? [fine('the account may do all that builds need')] : []
  return [
    ...all,
    ...missing.map(missingRemark(namespace)),
    ...excess.map((words) =>
      warning(
        `the account may ${words}, which kanihook does not need`,
        `give it the Role in ${namespace} and nothing more`,
      ),
    ),
  ]
}

const missingRemark =
  (namespace: string) =>
  ({ group, resource, verbs, optional }: Permission): Remark => {
    const name = group === '' ? resource : `${resource}.${group}`
    const rule = `- { apiGroups: ["${group}"], resources: ["${resource}"], verbs: [${verbs.join(', ')}] }`
    const say = optional ? warning : failure
    const loss = optional ? ' (builds run, and say less about why a pod does not start)' : ''
    return say(
      `the account may not ${verbs.join(', ')} ${name} in ${namespace}${loss}`,
      `add to the rules of its Role there: ${rule}`,
    )
  }
