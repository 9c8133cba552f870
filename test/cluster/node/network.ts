import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { Addresses } from '../options.ts'
import { run, succeeds } from '../support/command.ts'

export interface Network {
  /** The cluster that it belongs to. */
  readonly stateDir: string
  /** The name of this machine's end. */
  readonly link: string
  readonly addresses: Addresses
}

/**
 * Connects a node's network namespace, that of a process, to this machine, with ways to its pods and
 * services, and out to wherever this machine reaches. What is made inside ends with the namespace.
 */
export async function connectNode(network: Network, pid: number): Promise<void> {
  const { link, addresses } = network
  if (existsSync(`/sys/class/net/${link}`)) {
    throw new Error(`a network link ${link} exists already: choose another name with --link`)
  }
  const inside = async (...command: string[]) =>
    await run('nsenter', ['--target', String(pid), '--net', '--', ...command])
  const [, bits] = addresses.link.split('/')
  await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${pid}`])
  await run('ip', ['link', 'set', link, 'alias', ownerMark(network)])
  await run('ip', ['address', 'add', `${addresses.host}/${bits}`, 'dev', link])
  await run('ip', ['link', 'set', link, 'up'])
  await inside('ip', 'address', 'add', `${addresses.node}/${bits}`, 'dev', 'eth0')
  await inside('ip', 'link', 'set', 'eth0', 'up')
  await inside('ip', 'route', 'add', 'default', 'via', addresses.host)
  for (const subnet of [addresses.services, addresses.pods]) {
    await run('ip', ['route', 'add', subnet, 'via', addresses.node])
  }
  for (const { table, chain, rule } of firewallRules(network)) {
    await run('iptables', ['-w', '-t', table, '-I', chain, ...rule])
  }
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1') // left on: others may rely on it by now
}

/** Safe to call however much of the network exists; another one's link of that name is not touched. */
export async function removeNetwork(network: Network): Promise<void> {
  for (const { table, chain, rule } of firewallRules(network)) {
    const lookUp = ['-w', '-t', table, '-C', chain, ...rule]
    while (await succeeds('iptables', lookUp)) {
      await run('iptables', ['-w', '-t', table, '-D', chain, ...rule])
    }
  }
  // The kernel removes it with the node's namespace, a moment after the last process in that.
  const alias = `/sys/class/net/${network.link}/ifalias`
  const isOurs = (await readFile(alias, 'utf8').catch(() => '')).trim() === ownerMark(network)
  if (isOurs) await succeeds('ip', ['link', 'delete', network.link])
}

const ownerMark = ({ stateDir }: Network): string => `kanihook test cluster ${stateDir}`

function firewallRules(network: Network) {
  const { link, addresses } = network
  const mark = ['-m', 'comment', '--comment', ownerMark(network)]
  const accept = [...mark, '-j', 'ACCEPT']
  const outward = ['-s', addresses.all, '!', '-d', addresses.all]
  return [
    { table: 'nat', chain: 'POSTROUTING', rule: [...outward, ...mark, '-j', 'MASQUERADE'] },
    { table: 'filter', chain: 'FORWARD', rule: ['-i', link, ...accept] },
    { table: 'filter', chain: 'FORWARD', rule: ['-o', link, ...accept] },
    { table: 'filter', chain: 'INPUT', rule: ['-i', link, ...accept] },
  ]
}
