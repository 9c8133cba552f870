import type { V1LimitRange, V1ResourceQuota } from '@kubernetes/client-node'
import type { Resources } from '../builds/build.ts'
import { fine, failure, warning, type Remark } from '../remark.ts'
import { parseQuantity } from '../settings/quantity.ts'

/** An image's name and what its build asks for. */
export interface ImageResources {
  readonly name: string
  readonly resources: Resources
}

/** What the quotas and limit ranges of the namespace mean for builds. Pure. */
export function capacityRemarks(
  quotas: readonly V1ResourceQuota[],
  ranges: readonly V1LimitRange[],
  images: readonly ImageResources[],
): Remark[] {
  const judged = quotas.filter(concernsBuilds)
  const remarks = judged.flatMap((quota) => [...usedUp(quota), ...unstated(quota, ranges, images)])
  const room =
    judged.length > 0 && remarks.length === 0
      ? [fine(`there is room in the quota (${judged.flatMap(usage).join(', ')})`)]
      : []
  const selecting = quotas.filter(selects).map(nameOf)
  const unjudged =
    selecting.length > 0
      ? [fine(`not judged, as a scopeSelector says what it counts: ${selecting.join(', ')}`)]
      : []
  return [...remarks, ...room, ...unjudged]
}

/**
 * What the pod of a build is to a quota: its clone states requests whatever the image does, and a deadline is the
 * Job's alone, not the pod's.
 */
export const buildScopes: ReadonlySet<string> = new Set(['NotBestEffort', 'NotTerminating'])

const selects = ({ spec }: V1ResourceQuota): boolean => spec?.scopeSelector !== undefined

/** A quota counts the pods that all of its scopes apply to. */
const concernsBuilds = (quota: V1ResourceQuota): boolean =>
  !selects(quota) && (quota.spec?.scopes ?? []).every((scope) => buildScopes.has(scope))

const nameOf = ({ metadata }: V1ResourceQuota): string => `ResourceQuota ${metadata?.name ?? ''}`

/** What a build takes of a quota. */
const taken: ReadonlySet<string> = new Set([
  'pods',
  'count/pods',
  'count/jobs.batch',
  'secrets',
  'count/secrets',
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
])

function entries({ status, spec }: V1ResourceQuota) {
  const { hard = spec?.hard ?? {}, used = {} } = status ?? {}
  return Object.entries(hard)
    .filter(([key]) => taken.has(key))
    .map(([key, most]) => ({ key, most, used: used[key] ?? '0' }))
}

const usage = (quota: V1ResourceQuota): string[] =>
  entries(quota).map(({ key, most, used }) => `${key} ${used} of ${most}`)

const usedUp = (quota: V1ResourceQuota): Remark[] =>
  entries(quota)
    .filter(({ most, used }) => quantity(used) >= quantity(most))
    .map(({ key, most, used }) =>
      warning(
        `${nameOf(quota)} is used up: ${key} ${used} of ${most}; builds wait for room`,
        'raise it, or lower MAX_BUILDS',
      ),
    )

/** A quota on requests or limits refuses every pod whose containers do not all state them. */
function unstated(
  quota: V1ResourceQuota,
  ranges: readonly V1LimitRange[],
  images: readonly ImageResources[],
): Remark[] {
  return entries(quota).flatMap(({ key }) => {
    const [kind, resource] = key.startsWith('limits.')
      ? (['limits', key.slice(7)] as const)
      : (['requests', key.replace(/^requests\./, '')] as const)
    if (!['cpu', 'memory'].includes(resource) || hasDefault(ranges, kind, resource)) return []
    // The container that clones has requests of its own, and no limits.
    const lacking =
      kind === 'limits' ? ['the clone'] : images.filter(lacks(resource)).map(({ name }) => name)
    if (lacking.length === 0) return []
    return [
      failure(
        `${nameOf(quota)} refuses every pod that does not state ${kind}.${resource} (${lacking.slice(0, 4).join(', ')})`,
        `add a LimitRange with a default${kind === 'requests' ? 'Request' : ''} for ${resource}`,
      ),
    ]
  })
}

const lacks =
  (resource: string) =>
  ({ resources: { requests, limits } }: ImageResources): boolean =>
    requests?.[resource] === undefined && limits?.[resource] === undefined

/** A default limit is a default request too. */
const hasDefault = (
  ranges: readonly V1LimitRange[],
  kind: 'limits' | 'requests',
  resource: string,
): boolean =>
  ranges
    .flatMap(({ spec }) => spec?.limits ?? [])
    .filter(({ type }) => type === 'Container')
    .some((limit) => {
      const { _default: limits, defaultRequest: requests } = limit
      return (
        limits?.[resource] !== undefined ||
        (kind === 'requests' && requests?.[resource] !== undefined)
      )
    })

const quantity = (text: string): number => parseQuantity(text) ?? Number.NaN
