import { watch } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CoreV1Api,
  KubeConfig,
  makeInformer,
  NetworkingV1Api,
  type Informer,
  type KubernetesObject,
  type V1Pod,
} from '@kubernetes/client-node'
import { run } from '../../support/command.ts'
import { chain, compile } from './compile.ts'
import type { Pod } from './peers.ts'
import { startingPods } from './starting-pods.ts'

/*
 * Enforces NetworkPolicies on the test cluster's single node, by iptables: a stand-in for a network
 * plugin, for tests alone. It covers networking.k8s.io/v1 for IPv4 on one node, and neither IPv6 nor
 * AdminNetworkPolicies; README.md of test/cluster says more. What is blocked is rejected, not dropped.
 *
 * usage, in the node's namespaces: node enforcer.ts KUBECONFIG STARTING_PODS READY_FILE
 */
const [kubeconfig, startingFolder, readyFile] = process.argv.slice(2)
if (!kubeconfig || !startingFolder || !readyFile) {
  throw new Error('usage: enforcer.ts KUBECONFIG STARTING_PODS READY_FILE')
}

const config = new KubeConfig()
config.loadFromFile(kubeconfig)
const core = config.makeApiClient(CoreV1Api)
const networking = config.makeApiClient(NetworkingV1Api)
const pods = makeInformer(config, '/api/v1/pods', () => core.listPodForAllNamespaces())
const namespaces = makeInformer(config, '/api/v1/namespaces', () => core.listNamespace())
const policies = makeInformer(config, '/apis/networking.k8s.io/v1/networkpolicies', () =>
  networking.listNetworkPolicyForAllNamespaces(),
)

/** The pod, by its uid, that was the last to get an address. Pods on the node's own network have none. */
const owners = new Map<string, string>()
let inForce = ''
let changes = 0
let isAtWork = false

await writeFile('/proc/sys/net/ipv4/icmp_ratelimit', '0') // each rejection is told
await run('iptables-restore', ['--noflush', '-w'], { input: transaction([], true) })
watch(startingFolder, onChange)
// the pods last: none is let start before it is known
await follow(policies)
await follow(namespaces)
await follow(pods)
onChange()

function onChange(): void {
  changes += 1
  if (!isAtWork) void work()
}

/** Applies what has changed until nothing has; a failure is told and tried again. */
async function work(): Promise<void> {
  isAtWork = true
  let seen
  do {
    seen = changes
    try {
      await enforce()
    } catch (error) {
      console.error(error)
      await delay(300)
      changes += 1
    }
  } while (seen !== changes)
  isAtWork = false
}

async function enforce(): Promise<void> {
  const known = new Map(pods.list().map((pod) => [pod.metadata?.uid ?? '', pod]))
  // one that is not known yet waits until it is
  const starting = (await startingPods(startingFolder!)).filter(({ uid }) => known.has(uid))
  for (const { address, uid } of starting) owners.set(address, uid)
  for (const [address, uid] of owners) if (!known.has(uid)) owners.delete(address)
  const addressed = [...owners].flatMap(([address, uid]) => {
    const pod = known.get(uid)
    return pod ? [toPod(pod, address)] : []
  })
  const rules = compile(policies.list(), {
    pods: addressed,
    namespaces: new Map(
      namespaces.list().map(({ metadata }) => [metadata?.name ?? '', metadata?.labels ?? {}]),
    ),
  })
  const text = transaction(rules)
  if (text !== inForce) await run('iptables-restore', ['--noflush', '-w'], { input: text })
  inForce = text
  await Promise.all(starting.map((pod) => pod.release()))
  await writeFile(readyFile!, '')
}

/** Replaces all of the chain at once, and sees to it that it is the first that packets come to. */
function transaction(rules: readonly string[], isFirst = false): string {
  const hooks = ['FORWARD', 'INPUT'].flatMap((hook) => [
    ...(isFirst ? [] : [`-D ${hook} -j ${chain}`]),
    `-I ${hook} 1 -j ${chain}`,
  ])
  return ['*filter', `:${chain} - [0:0]`, ...rules, ...hooks, 'COMMIT', ''].join('\n')
}

function toPod({ metadata, spec }: V1Pod, address: string): Pod {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    address,
    labels: metadata?.labels ?? {},
    ports: containers.flatMap(({ ports = [] }) =>
      ports.map(({ name = '', protocol = 'TCP', containerPort: number }) => {
        return { name, protocol, number }
      }),
    ),
  }
}

/** Keeps an informer going: it stops at an error. */
async function follow<T extends KubernetesObject>(informer: Informer<T>): Promise<void> {
  const start = async (): Promise<void> => {
    try {
      await informer.start()
      onChange()
    } catch (error) {
      await again(error)
    }
  }
  const again = async (error: unknown): Promise<void> => {
    console.error(error)
    await delay(300)
    await start()
  }
  for (const event of ['add', 'update', 'delete'] as const) informer.on(event, onChange)
  informer.on('error', (error) => void again(error))
  await start()
}
