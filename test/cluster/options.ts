import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** What two clusters on one machine must not share. */
export interface ClusterOptions {
  /** Everything that the cluster writes is in it, and it is removed by `down`. */
  readonly stateDir?: string
  /** The name of the link between this machine and the node, at most 15 characters (a single node only). */
  readonly link?: string
  /** The IPv4 addresses of all that is in it, as `10.87.0.0/24` (a single node only). */
  readonly subnet?: string
  /** The first of ten TCP ports. */
  readonly portBase?: number
  /** This machine's address as pods reach it; a single node and kind find it themselves. */
  readonly hostAddress?: string
}

export interface ResolvedOptions {
  readonly stateDir: string
  readonly link: string
  readonly addresses: Addresses
  readonly ports: Ports
  readonly hostAddress: string | undefined
}

export type Ports = ReturnType<typeof portsFrom>
export type Addresses = ReturnType<typeof addressesIn>

export function resolveOptions(
  options: ClusterOptions = {},
  environment: NodeJS.ProcessEnv = process.env,
): ResolvedOptions {
  const parent = environment['XDG_STATE_HOME'] || tmpdir()
  const stateDir = resolve(options.stateDir ?? join(parent, 'kanihook-cluster'))
  // a socket's path has at most 107 bytes (unix(7)), and the longest here adds 35 to it
  if (stateDir.length > 70) throw new Error(`the state directory's path is too long: ${stateDir}`)
  const link = options.link ?? 'kanihook0'
  if (!/^[a-z][a-z0-9-]{0,14}$/.test(link))
    throw new Error(`not a name for a link: ${link} (at most 15 lower-case letters, digits, -)`)
  return {
    stateDir,
    link,
    addresses: addressesIn(options.subnet ?? '10.87.0.0/24'),
    ports: portsFrom(options.portBase ?? 21_600),
    hostAddress: options.hostAddress ?? (environment['HOST_ADDRESS'] || undefined),
  }
}

/** How a subnet is shared out. */
function addressesIn(subnet: string) {
  const [, base] = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.0\/24$/.exec(subnet) ?? []
  if (base === undefined) throw new Error(`not a subnet of the form a.b.c.0/24: ${subnet}`)
  return {
    all: subnet,
    /** This machine's, as pods reach it. */
    host: `${base}.1`,
    /** The node's own, where its DNS server answers too. */
    node: `${base}.2`,
    link: `${base}.0/26`,
    services: `${base}.64/26`,
    firstService: `${base}.65`,
    pods: `${base}.128/25`,
  }
}

function portsFrom(base: number) {
  if (!Number.isInteger(base) || base < 1024 || base > 65_500) {
    throw new Error(`not a port from 1024 to 65500: ${base}`)
  }
  return {
    apiServer: base,
    etcd: base + 1,
    etcdPeer: base + 2,
    kubelet: base + 3,
    kubeletHealth: base + 4,
    controllerManager: base + 5,
    scheduler: base + 6,
    registry: base + 7,
    gitea: base + 8,
    giteaSsh: base + 9,
  }
}
