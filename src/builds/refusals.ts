import type { BuildPlan } from './build.ts'
import { operator, type Failure } from './failure.ts'
import type { Waiting } from './ports.ts'

/** What the container that clones asks for; by it a complaint about it is told from one about the build. */
export const cloneRequests: Readonly<Record<string, string>> = { cpu: '50m', memory: '64Mi' }

interface Refusal {
  readonly pattern: RegExp
  readonly explain: (match: RegExpExecArray, build: BuildPlan) => Failure
}

/**
 * What the API server says of a pod that it never makes, however long one waits. The words are those
 * of its admission plugins LimitRanger, ResourceQuota, Priority, ServiceAccount and PodSecurity, and
 * of its validation of pods.
 */
const refusals: readonly Refusal[] = [
  {
    pattern: /maximum (\S+) usage per (\w+) is ([^\s,.]+), but limit is ([^\s,\]]+)/,
    explain: ([, resource, kind, most, limit]) =>
      operator(
        `A LimitRange allows at most ${most} of ${resource} per ${kind}: lower resources.limits.${resource} (${limit})`,
      ),
  },
  {
    pattern: /maximum (\S+) usage per (\w+) is ([^\s,]+?)\. +No limit is specified/,
    explain: ([, resource, kind, most]) =>
      operator(
        `A LimitRange allows at most ${most} of ${resource} per ${kind}: set resources.limits.${resource}`,
      ),
  },
  {
    pattern: /minimum (\S+) usage per (\w+) is ([^\s,.]+), but request is ([^\s,\]]+)/,
    explain: ([, resource = '', kind, least, request], { plan }) =>
      request === cloneRequests[resource] && plan.resources.requests?.[resource] !== request
        ? operator(
            `A LimitRange wants at least ${least} of ${resource} per ${kind}, and the clone asks for ${request}: lower that minimum`,
          )
        : operator(
            `A LimitRange wants at least ${least} of ${resource} per ${kind}: raise resources.requests.${resource} (${request})`,
          ),
  },
  {
    pattern: /minimum (\S+) usage per (\w+) is ([^\s,]+?)\. +No request is specified/,
    explain: ([, resource, kind, least]) =>
      operator(
        `A LimitRange wants at least ${least} of ${resource} per ${kind}: set resources.requests.${resource}`,
      ),
  },
  {
    pattern: /(\S+) max limit to request ratio per (\w+) is ([^\s,]+), but/,
    explain: ([, resource, kind, ratio]) =>
      operator(
        `A LimitRange allows a limit of ${resource} of ${ratio} times the request per ${kind}: raise resources.requests.${resource}`,
      ),
  },
  {
    pattern:
      /requests: Invalid value: "?([^\s",]+)"?: must be less than or equal to (\S+) limit of ([^\s,\]]+)/,
    explain: ([, request, resource, limit]) =>
      operator(
        `A LimitRange gives a limit of ${limit} of ${resource}, less than resources.requests.${resource} (${request}): set resources.limits.${resource}`,
      ),
  },
  {
    pattern: /failed quota: ([^\s:]+): must specify ([a-z.-]+)/,
    explain: ([, quota, what = '']) =>
      operator(
        `Quota ${quota} wants ${what} of every container: set ${keyOf(what)}, and a default for the clone in a LimitRange`,
      ),
  },
  {
    pattern: /no PriorityClass with name (\S+) was found/,
    explain: ([, name]) =>
      operator(`There is no PriorityClass ${name}: create it, or change priorityClassName`),
  },
  {
    pattern: /serviceaccounts? "([^"]+)" not found/,
    explain: ([, name]) =>
      operator(
        `There is no ServiceAccount ${name} in the build namespace: make it, or change serviceAccountName`,
      ),
  },
  {
    pattern: /violates PodSecurity "([^"]+)"/,
    explain: ([, level]) =>
      operator(
        `Pod Security ${level} refuses the build's pod: let the build namespace enforce baseline`,
      ),
  },
]

/** Why a build's pod is never made, or undefined where waiting may help. */
export function explainRefusal(
  { reason, message }: Waiting,
  build: BuildPlan,
): Failure | undefined {
  if (reason !== 'FailedCreate') return undefined
  for (const { pattern, explain } of refusals) {
    const match = pattern.exec(message)
    if (match) return explain(match, build)
  }
  return undefined
}

/** What a full quota lacks, and the key of kanihook.yaml by which a build asks for less of it. */
export function quotaNote({ message }: Waiting): string | undefined {
  const [, quota, requested = '', used = '', limited = ''] =
    /exceeded quota: ([^\s,]+), requested: (\S+), used: (\S+), limited: (\S+)/.exec(message) ?? []
  if (quota === undefined) return undefined
  const [inUse, most] = [amounts(used), amounts(limited)]
  const lacking = [...amounts(requested)].map(
    ([what, amount]) =>
      `${amount} of ${what} (${keyOf(what)}), with ${inUse.get(what)} of ${most.get(what)} in use`,
  )
  return `quota ${quota}: the build asks for ${lacking.join('; ')}`
}

const amounts = (list: string): Map<string, string> =>
  new Map(list.split(',').map((each) => each.split('=', 2) as [string, string]))

/** `limits.memory` → `resources.limits.memory`; `memory` alone is a request to a quota. */
function keyOf(quotaKey: string): string {
  if (/^(limits|requests)\./.test(quotaKey)) return `resources.${quotaKey}`
  return /^(pods|count\/.*)$/.test(quotaKey) ? 'MAX_BUILDS' : `resources.requests.${quotaKey}`
}
