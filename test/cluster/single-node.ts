import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasReadyNode } from './access.ts'
import { pauseImage, provideBuildImages } from './images.ts'
import { createAuthority, kubeconfig } from './node/certificates.ts'
import { cgroupsOfContainers, removeCgroups } from './node/cgroups.ts'
import {
  containerdConfig,
  corefile,
  kubeletConfig,
  nodePaths,
  plainRegistry,
  podNetwork,
} from './node/configuration.ts'
import { connectNode, removeNetwork } from './node/network.ts'
import { startControlPlane } from './node/control-plane.ts'
import type { Provider, ProviderContext } from './provider.ts'
import { flags, run, succeeds } from './support/command.ts'
import type { ImageArchive } from './support/image-archive.ts'
import { processesMentioning } from './support/process-identity.ts'
import { waitUntil } from './support/wait-until.ts'
import { ensureTool } from './tools.ts'

const nodeName = 'node'
const policyScripts = join(import.meta.dirname, 'node', 'network-policy')

/**
 * One node on this machine, from plain processes, for Linux with root and without Docker.
 *
 * The control plane runs as processes of the machine. containerd, the kubelet, kube-proxy, the DNS
 * server and the pods run below the process `node` in pid, mount and network namespaces of its own, so
 * that ending that one process leaves no shim, container, mount, link or firewall rule behind, in
 * whatever state they were.
 */
export function createSingleNode({ options, daemons, onProgress }: ProviderContext): Provider {
  const { stateDir, addresses, ports } = options
  const paths = nodePaths(stateDir)
  const server = `https://127.0.0.1:${ports.apiServer}`
  /** The same from within the node's network. */
  const serverForNode = `https://${addresses.host}:${ports.apiServer}`

  async function prepare(): Promise<string> {
    onProgress(`making the network ${options.link} (${addresses.all})`)
    await startContainerd()
    return addresses.host
  }

  async function startContainerd(): Promise<void> {
    const sandbox = await pauseImage()
    const registry = `${addresses.host}:${ports.registry}`
    const folders = [paths.cni, paths.startingPods, join(stateDir, 'run')]
    for (const folder of [...folders, join(paths.registries, registry)])
      await mkdir(folder, { recursive: true })
    await writeFile(join(paths.registries, registry, 'hosts.toml'), plainRegistry(registry))
    await writeFile(join(paths.cni, 'pods.conflist'), podNetwork(paths, addresses.pods))
    await copyFile(
      join(policyScripts, 'policed-bridge.sh'),
      join(paths.cniPlugins, 'policed-bridge'),
    )
    await symlink('/usr/lib/cni/loopback', join(paths.cniPlugins, 'loopback'))
    await writeFile(paths.containerdConfig, containerdConfig(paths, sandbox.reference))
    if (!existsSync('/proc/sys/net/bridge')) await run('modprobe', ['br_netfilter'])
    const namespaces = ['--mount', '--pid', '--net', '--fork', '--kill-child']
    const script = join(import.meta.dirname, 'node', 'node.sh')
    const args = [...namespaces, 'bash', script, stateDir]
    daemons.start({ name: 'unshare', command: 'unshare', args })
    const started = join(stateDir, 'run', 'node.started')
    await daemons.waitFor('unshare', () => existsSync(started))
    const pid = Number(readFileSync(started, 'utf8'))
    daemons.record('node', pid)
    await connectNode(options, pid).catch(async (error: unknown) => {
      // Where the node has ended meanwhile, its last words say why.
      await daemons.waitFor('unshare', () => true)
      throw error
    })
    await daemons.waitFor('node', () => succeeds('ctr', ['-a', paths.containerdSocket, 'version']))
    await load(sandbox)
  }

  async function start(): Promise<void> {
    const authority = await createAuthority(paths.pki)
    const admin = await authority.issue({
      name: 'admin',
      commonName: 'admin',
      organization: 'system:masters',
    })
    await writeKubeconfig(paths.adminKubeconfig, server, authority.cert, admin)
    await startControlPlane({ daemons, paths, options, authority, admin, server, onProgress })
    await startPolicyEnforcer(authority.cert, admin)
    await startKubelet(authority)
    await startProxy(authority)
    await startDns(authority.cert, admin)
    await daemons.waitFor('kubelet', () => hasReadyNode(paths.adminKubeconfig))
    onProgress('the node is ready')
  }

  async function startKubelet(authority: Awaited<ReturnType<typeof createAuthority>>) {
    const client = await authority.issue({
      name: 'kubelet',
      commonName: `system:node:${nodeName}`,
      organization: 'system:nodes',
      alternativeNames: [`IP:${addresses.node}`, `DNS:${nodeName}`],
    })
    const access = join(stateDir, 'kubelet.conf')
    await writeKubeconfig(access, serverForNode, authority.cert, client)
    const settings = kubeletConfig({
      paths,
      authority: authority.cert,
      ...client,
      port: ports.kubelet,
      healthPort: ports.kubeletHealth,
      addresses,
    })
    await writeFile(paths.kubeletConfig, settings)
    const settingFlags = flags({
      config: paths.kubeletConfig,
      kubeconfig: access,
      'root-dir': paths.kubelet,
      'cert-dir': paths.pki,
      'hostname-override': nodeName,
      'node-ip': addresses.node,
    })
    startInside('kubelet', [await ensureTool('kubernetes'), 'kubelet', ...settingFlags])
  }

  /** Gives services their addresses: by firewall rules of the node's own network. */
  async function startProxy(authority: Awaited<ReturnType<typeof createAuthority>>) {
    const name = 'kube-proxy'
    const client = await authority.issue({ name, commonName: `system:${name}` })
    const access = join(stateDir, `${name}.conf`)
    await writeKubeconfig(access, serverForNode, authority.cert, client)
    const settingFlags = flags({
      kubeconfig: access,
      'proxy-mode': 'iptables',
      'cluster-cidr': addresses.pods,
      'hostname-override': nodeName,
      'bind-address': addresses.node,
      // the machine's settings are not this node's to change
      'conntrack-max-per-core': 0,
      'conntrack-tcp-timeout-established': '0s',
      'conntrack-tcp-timeout-close-wait': '0s',
    })
    startInside(name, [await ensureTool('kubernetes'), name, ...settingFlags])
  }

  async function startDns(authority: string, admin: Certificates) {
    const [access, config] = [join(stateDir, 'coredns.conf'), join(stateDir, 'Corefile')]
    await writeKubeconfig(access, serverForNode, authority, admin)
    await writeFile(config, corefile(addresses, access))
    startInside('coredns', [await ensureTool('coredns'), '-conf', config])
  }

  /** A stand-in for a network plugin. Before the kubelet: without it no pod gets its network. */
  async function startPolicyEnforcer(authority: string, admin: Certificates) {
    const name = 'network-policy'
    const [access, ready] = [join(stateDir, `${name}.conf`), join(stateDir, 'run', `${name}.ready`)]
    await writeKubeconfig(access, serverForNode, authority, admin)
    const script = join(policyScripts, 'enforcer.ts')
    startInside(name, [process.execPath, script, access, paths.startingPods, ready])
    await daemons.waitFor(name, () => existsSync(ready))
  }

  function startInside(name: string, command: readonly string[]): void {
    const node = readFileSync(join(stateDir, 'run', 'node.started'), 'utf8').trim()
    const args = ['--target', node, '--mount', '--pid', '--net', '--', ...command]
    daemons.start({ name, command: 'nsenter', args })
  }

  async function writeKubeconfig(
    path: string,
    server: string,
    authority: string,
    client: Certificates,
  ) {
    await writeFile(path, await kubeconfig(server, authority, client), { mode: 0o600 })
  }

  async function load({ path }: ImageArchive): Promise<void> {
    const containerd = ['-a', paths.containerdSocket, '-n', 'k8s.io']
    await run('ctr', [...containerd, 'images', 'import', path])
  }

  async function provideImages() {
    const images = await provideBuildImages(onProgress, load)
    onProgress('the images for builds are loaded')
    return images
  }

  async function stop(): Promise<void> {
    const cgroups = await cgroupsOfContainers(paths.containerd)
    await daemons.stop('node')
    for (const name of daemons.names()) await daemons.stop(name)
    // the containers' shims and the kubelet are below `node`, and so gone or going
    const ended = () => processesMentioning(`${stateDir}/`).length === 0
    await waitUntil('the end of all processes of the cluster', ended, { timeoutMs: 20_000 })
    await removeCgroups(cgroups)
    await removeNetwork(options)
  }

  return {
    programs: [
      ...(['etcd', 'containerd', 'runc', '/usr/lib/cni/bridge', 'busybox', 'git'] as const),
      ...(['openssl', 'ip', 'iptables'] as const),
    ],
    tools: ['kubernetes', 'coredns', 'kaniko', 'crane'],
    kubeconfig: paths.adminKubeconfig,
    prepare,
    start,
    provideImages,
    stop,
  }
}

type Certificates = Parameters<typeof kubeconfig>[2]
