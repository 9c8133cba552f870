import type {
  V1LimitRange,
  V1ResourceAttributes,
  V1ResourceQuota,
  V1SelfSubjectAccessReview,
} from '@kubernetes/client-node'
import { permissions } from '../../../src/cluster/permissions.ts'

/** What the stand-in says of the account that asks, and of the namespace; all of it may be left out. */
export interface Account {
  readonly username?: string
  /** Whether it may; unless said, what the Role of a worker allows in kanihook-builds. */
  readonly may?: (attributes: V1ResourceAttributes) => boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly quotas?: readonly V1ResourceQuota[]
  readonly limitRanges?: readonly V1LimitRange[]
  /** Sent as the `Warning` header with each Job. */
  readonly warning?: string
}

/** The Role of a worker in one namespace, as SelfSubjectAccessReview sees it. */
export function mayAsWorker(attributes: V1ResourceAttributes): boolean {
  const { namespace, group = '', resource, subresource, verb = '' } = attributes
  const name = subresource === undefined ? resource : `${resource}/${subresource}`
  return (
    namespace === 'kanihook-builds' &&
    permissions.some(
      (rule) => rule.group === group && rule.resource === name && rule.verbs.includes(verb),
    )
  )
}

/** What the API answers to a question about the account; undefined: it is no such question. */
export function answerReview(account: Account, path: string, body: unknown): object | undefined {
  if (path === '/apis/authentication.k8s.io/v1/selfsubjectreviews') {
    const username = account.username ?? 'system:serviceaccount:kanihook-builds:kanihook-worker'
    return { kind: 'SelfSubjectReview', status: { userInfo: { username } } }
  }
  if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') {
    const { spec } = body as V1SelfSubjectAccessReview
    const may = account.may ?? mayAsWorker
    const allowed = may(spec.resourceAttributes ?? {})
    return { kind: 'SelfSubjectAccessReview', spec, status: { allowed } }
  }
  return undefined
}

/** A list of the namespace's quotas or limit ranges; undefined: the path is of neither. */
export function answerCapacity(account: Account, path: string): object | undefined {
  const [, resource] =
    /^\/api\/v1\/namespaces\/[^/]+\/(resourcequotas|limitranges)$/.exec(path) ?? []
  if (resource === 'resourcequotas') {
    return { kind: 'ResourceQuotaList', metadata: {}, items: account.quotas ?? [] }
  }
  if (resource === 'limitranges') {
    return { kind: 'LimitRangeList', metadata: {}, items: account.limitRanges ?? [] }
  }
  return undefined
}
