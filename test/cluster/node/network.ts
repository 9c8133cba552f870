import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { run, succeeds } from '../support/command.ts'
import { waitUntil } from '../support/wait-until.ts'

export interface Network {
  /** The cluster that it belongs to. */
  readonly stateDir: string
  readonly bridge: string
  readonly subnet: string
  /** The bridge's own address, which pods and this machine share. */
  readonly gateway: string
}

/** A bridge for the pods, with a way out to wherever this machine reaches. */
export async function createNetwork(network: Network): Promise<void> {
  const { bridge, subnet, gateway } = network
  if (existsSync(`/sys/class/net/${bridge}`)) {
    throw new Error(`a network link ${bridge} exists already: choose another name with --bridge`)
  }
  await run('ip', ['link', 'add', bridge, 'type', 'bridge'])
  await run('ip', ['link', 'set', bridge, 'alias', ownerMark(network)])
  await run('ip', ['address', 'add', `${gateway}/${subnet.split('/')[1]}`, 'dev', bridge])
  await run('ip', ['link', 'set', bridge, 'up'])
  for (const { table, chain, rule } of firewallRules(network)) {
    await run('iptables', ['-w', '-t', table, '-I', chain, ...rule])
  }
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1') // left on: others may rely on it by now
}

/** Safe to call however much of the network exists; another one's link of that name is not touched. */
export async function removeNetwork(network: Network): Promise<void> {
  const { bridge } = network
  const alias = await readFile(`/sys/class/net/${bridge}/ifalias`, 'utf8').catch(() => '')
  if (alias.trim() !== ownerMark(network)) return
  for (const { table, chain, rule } of firewallRules(network)) {
    const lookUp = ['-w', '-t', table, '-C', chain, ...rule]
    while (await succeeds('iptables', lookUp)) {
      await run('iptables', ['-w', '-t', table, '-D', chain, ...rule])
    }
  }
  // the kernel removes the pods' ends a moment after their last process
  await waitUntil(`the pods' links to leave ${bridge}`, async () => {
    return (await run('ip', ['-oneline', 'link', 'show', 'master', bridge])).trim() === ''
  })
  await run('ip', ['link', 'delete', bridge])
}

function ownerMark({ stateDir }: Network): string {
  return `kanihook test cluster ${stateDir}`
}

/**
 * One fixed set for all pods. The bridge plugin could masquerade too, but by a chain for each pod,
 * which stays behind when a pod is killed.
 */
function firewallRules({ bridge, subnet }: Network) {
  const mark = ['-m', 'comment', '--comment', `kanihook test cluster ${bridge}`]
  const accept = [...mark, '-j', 'ACCEPT']
  return [
    {
      table: 'nat',
      chain: 'POSTROUTING',
      rule: ['-s', subnet, '!', '-d', subnet, ...mark, '-j', 'MASQUERADE'],
    },
    { table: 'filter', chain: 'FORWARD', rule: ['-i', bridge, ...accept] },
    { table: 'filter', chain: 'FORWARD', rule: ['-o', bridge, ...accept] },
    { table: 'filter', chain: 'INPUT', rule: ['-i', bridge, ...accept] },
  ]
}
