import { BlockList, isIPv6 } from 'node:net'
import type { Peer, PolicySpec, Rule } from './kinds.ts'
import type { Rendered } from './render.ts'
import { selected, selects } from './workloads.ts'

/** Somebody at the other end: an address outside, or a pod. */
export type Other =
  | { readonly address: string }
  | {
      readonly pod: Readonly<Record<string, string>>
      /** Labels of its namespace; undefined: the policy's own. */
      readonly namespace?: Readonly<Record<string, string>>
    }

export const policy = (rendered: Rendered, name: string): PolicySpec =>
  rendered.one('NetworkPolicy', name).spec

/** Names of the Deployments that a policy is about. */
export const about = (rendered: Rendered, name: string): string[] =>
  selected(rendered, policy(rendered, name).podSelector.matchLabels)

/** Whether a policy lets its pods reach somebody. Without that type its rules mean nothing. */
export const reaches = (
  { policyTypes, egress = [] }: PolicySpec,
  other: Other,
  port: number,
): boolean =>
  !policyTypes.includes('Egress') || egress.some((rule) => allows(rule, rule.to, other, port))

/** Whether a policy lets somebody reach its pods. */
export const takes = (
  { policyTypes, ingress = [] }: PolicySpec,
  other: Other,
  port: number,
): boolean =>
  !policyTypes.includes('Ingress') || ingress.some((rule) => allows(rule, rule.from, other, port))

function allows({ ports }: Rule, peers: readonly Peer[] | undefined, other: Other, port: number) {
  const rightPort = !ports || ports.some((each) => each.protocol === 'TCP' && each.port === port)
  return rightPort && (!peers || peers.some((peer) => isPeer(peer, other)))
}

function isPeer({ ipBlock, podSelector, namespaceSelector }: Peer, other: Other): boolean {
  if ('address' in other) {
    if (!ipBlock) return false
    const { cidr, except = [] } = ipBlock
    return isWithin(other.address, cidr) && !except.some((each) => isWithin(other.address, each))
  }
  if (ipBlock) return false
  const rightNamespace = namespaceSelector
    ? selects(namespaceSelector.matchLabels, other.namespace ?? {})
    : other.namespace === undefined
  return rightNamespace && selects(podSelector?.matchLabels, other.pod)
}

function isWithin(address: string, cidr: string): boolean {
  const [network = '', prefix] = cidr.split('/')
  if (isIPv6(address) !== isIPv6(network)) return false
  const family = isIPv6(network) ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), family)
  return list.check(address, family)
}
