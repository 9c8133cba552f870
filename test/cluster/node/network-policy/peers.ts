import type {
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
} from '@kubernetes/client-node'
import { rangeOf } from './addresses.ts'
import { selects, type Labels } from './selectors.ts'

export interface Pod {
  readonly namespace: string
  readonly name: string
  readonly address: string
  readonly labels: Labels
  readonly ports: readonly {
    readonly name: string
    readonly protocol: string
    readonly number: number
  }[]
}

export interface Neighbours {
  readonly pods: readonly Pod[]
  /** The labels of each namespace, by its name. */
  readonly namespaces: ReadonlyMap<string, Labels>
}

export type Direction = 'ingress' | 'egress'

/** The options of iptables that a packet must match to be allowed by a rule; one of them is enough. */
export function matchesOf(
  rule: Rule,
  direction: Direction,
  /** The pod that the policy selects, and its policy's namespace. */
  subject: Pod,
  neighbours: Neighbours,
): string[] {
  const { _from: listed, from = listed, to } = rule
  const given = from ?? to ?? []
  const peers =
    given.length === 0
      ? anybody(rule, direction, neighbours)
      : given.flatMap((peer) => peersOf(peer, direction, subject.namespace, neighbours))
  return peers.flatMap(({ match, pod }) => {
    const target = direction === 'ingress' ? subject : pod
    return portsOf(rule.ports ?? [], target).map((port) => `${match} ${port}`.trim())
  })
}

type Rule = Pick<V1NetworkPolicyIngressRule, '_from' | 'ports'> &
  Pick<V1NetworkPolicyEgressRule, 'to'> & {
    /** What a watch calls that which a list calls `_from`. */
    readonly from?: readonly V1NetworkPolicyPeer[]
  }

interface Peer {
  readonly match: string
  readonly pod?: Pod
}

function anybody({ ports = [] }: Rule, direction: Direction, { pods }: Neighbours): Peer[] {
  const isNamed = ports.some(({ port }) => typeof port === 'string')
  // a name means another number at each pod
  const each = isNamed && direction === 'egress' ? pods.map((pod) => asPeer(pod, direction)) : []
  return [{ match: '' }, ...each]
}

function peersOf(
  { ipBlock, podSelector, namespaceSelector }: V1NetworkPolicyPeer,
  direction: Direction,
  ownNamespace: string,
  { pods, namespaces }: Neighbours,
): Peer[] {
  if (ipBlock) {
    if (rangeOf(ipBlock.cidr) === undefined) return []
    const side = direction === 'ingress' ? 'src' : 'dst'
    const ranges = (ipBlock.except ?? []).flatMap((cidr) => rangeOf(cidr) ?? [])
    const except = ranges.map((range) => `-m iprange ! --${side}-range ${range}`)
    return [{ match: [`${side === 'src' ? '-s' : '-d'} ${ipBlock.cidr}`, ...except].join(' ') }]
  }
  return pods
    .filter(({ namespace, labels }) => {
      const inNamespace = namespaceSelector
        ? selects(namespaceSelector, namespaces.get(namespace) ?? {})
        : namespace === ownNamespace
      return inNamespace && selects(podSelector ?? {}, labels)
    })
    .map((pod) => asPeer(pod, direction))
}

const asPeer = (pod: Pod, direction: Direction): Peer => ({
  match: `${direction === 'ingress' ? '-s' : '-d'} ${pod.address}`,
  pod,
})

/** No ports: all. A name is that of the target's port; where there is no such port nothing matches. */
function portsOf(ports: readonly V1NetworkPolicyPort[], target: Pod | undefined): string[] {
  if (ports.length === 0) return ['']
  return ports.flatMap(({ port, endPort, protocol = 'TCP' }) => {
    const transport = `-p ${protocol.toLowerCase()}`
    if (port === undefined) return [transport]
    const number = typeof port === 'number' ? port : numberOf(port, protocol, target)
    if (number === undefined) return []
    return [`${transport} --dport ${endPort === undefined ? number : `${number}:${endPort}`}`]
  })
}

const numberOf = (name: unknown, protocol: string, pod: Pod | undefined): number | undefined =>
  pod?.ports.find((port) => port.name === name && port.protocol === protocol)?.number
