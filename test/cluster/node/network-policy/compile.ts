import type { V1NetworkPolicy } from '@kubernetes/client-node'
import { matchesOf, type Direction, type Neighbours, type Pod } from './peers.ts'
import { selects } from './selectors.ts'

export const chain = 'NETWORK-POLICY'

/** A bit of a packet's mark that kube-proxy does not use: set while no rule has allowed the packet. */
const denied = '0x10000'

/**
 * The rules of the chain, in which a packet of an open pod matches nothing. Those of one pod and
 * direction mark a packet as denied, take the mark away if a policy allows it, and reject what still
 * has it: a packet between two pods has to get by both.
 *
 * ICMP's “prohibited” tells what is rejected from a port on which nothing listens: connect(2) fails
 * with EHOSTUNREACH and not ECONNREFUSED. It does so after a second, as Linux heeds the second one.
 */
export function compile(policies: readonly V1NetworkPolicy[], neighbours: Neighbours): string[] {
  const known = '-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN'
  const isolated = neighbours.pods.flatMap((pod) =>
    (['egress', 'ingress'] as const).flatMap((direction) => {
      const own = policies.filter((policy) => concerns(policy, pod, direction))
      return own.length === 0 ? [] : isolate(pod, direction, own, neighbours)
    }),
  )
  return [known, ...isolated].map((rule) => `-A ${chain} ${rule}`)
}

function isolate(
  pod: Pod,
  direction: Direction,
  policies: readonly V1NetworkPolicy[],
  neighbours: Neighbours,
): string[] {
  const packet = `${direction === 'ingress' ? '-d' : '-s'} ${pod.address}`
  const comment = `-m comment --comment "${direction} of ${pod.namespace}/${pod.name}"`
  const matches = policies.flatMap(({ spec }) =>
    (spec?.[direction] ?? []).flatMap((rule) => matchesOf(rule, direction, pod, neighbours)),
  )
  const itself = `${direction === 'ingress' ? '-s' : '-d'} ${pod.address}`
  const allow = `-j MARK --set-xmark 0x0/${denied}`
  return [
    `${packet} ${comment} -j MARK --set-xmark ${denied}/${denied}`,
    ...[...new Set([itself, ...matches])].map((match) =>
      `${packet} ${match}`.trim().concat(` ${allow}`),
    ),
    `${packet} -m mark --mark ${denied}/${denied} -j REJECT --reject-with icmp-admin-prohibited`,
  ]
}

function concerns({ metadata, spec }: V1NetworkPolicy, pod: Pod, direction: Direction): boolean {
  if (!spec || metadata?.namespace !== pod.namespace) return false
  const types = spec.policyTypes ?? (spec.egress ? ['Ingress', 'Egress'] : ['Ingress'])
  const type = direction === 'ingress' ? 'Ingress' : 'Egress'
  return types.includes(type) && selects(spec.podSelector ?? {}, pod.labels)
}
