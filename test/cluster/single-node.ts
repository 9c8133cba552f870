import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasReadyNode } from './access.ts'
import { cloneImage, kanikoImage, pauseImage } from './images.ts'
import { createAuthority, kubeconfig } from './node/certificates.ts'
import { cgroupsOfContainers, removeCgroups } from './node/cgroups.ts'
import { containerdConfig, kubeletConfig, nodePaths, podNetwork } from './node/configuration.ts'
import { createNetwork, removeNetwork } from './node/network.ts'
import { startControlPlane } from './node/control-plane.ts'
import type { Provider, ProviderContext } from './provider.ts'
import { flags, run, succeeds } from './support/command.ts'
import type { ImageArchive } from './support/image-archive.ts'
import { processesMentioning } from './support/process-identity.ts'
import { waitUntil } from './support/wait-until.ts'
import { ensureTool } from './tools.ts'

const nodeName = 'node'

/**
 * One node on this machine, from plain processes, for Linux with root and without Docker.
 *
 * The control plane runs as processes of the machine. containerd, the kubelet and the pods run below
 * the process `node` in pid and mount namespaces of its own, so that ending that one process leaves
 * no shim, container or mount behind, in whatever state they were.
 */
export function createSingleNode({ options, daemons, onProgress }: ProviderContext): Provider {
  const { stateDir, gateway, ports } = options
  const paths = nodePaths(stateDir)
  const server = `https://127.0.0.1:${ports.apiServer}`

  async function prepare(): Promise<string> {
    onProgress(`making the network ${options.bridge} (${options.subnet})`)
    await createNetwork(options)
    await startContainerd()
    return gateway
  }

  async function startContainerd(): Promise<void> {
    const sandbox = await pauseImage()
    for (const folder of [paths.cni, join(stateDir, 'run')])
      await mkdir(folder, { recursive: true })
    await writeFile(join(paths.cni, 'pods.conflist'), podNetwork(paths, options))
    await writeFile(paths.containerdConfig, containerdConfig(paths, sandbox.reference))
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child']
    const script = join(import.meta.dirname, 'node', 'node.sh')
    const args = [...namespaces, 'bash', script, stateDir]
    daemons.start({ name: 'unshare', command: 'unshare', args })
    const started = join(stateDir, 'run', 'node.started')
    await daemons.waitFor('unshare', () => existsSync(started))
    daemons.record('node', Number(readFileSync(started, 'utf8')))
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
    await writeKubeconfig(paths.adminKubeconfig, authority.cert, admin)
    await startControlPlane({ daemons, paths, options, authority, admin, server, onProgress })
    await startKubelet(authority)
    await daemons.waitFor('kubelet', () => hasReadyNode(paths.adminKubeconfig))
    onProgress('the node is ready')
  }

  async function startKubelet(authority: Awaited<ReturnType<typeof createAuthority>>) {
    const client = await authority.issue({
      name: 'kubelet',
      commonName: `system:node:${nodeName}`,
      organization: 'system:nodes',
      alternativeNames: [`IP:${gateway}`, `DNS:${nodeName}`],
    })
    const access = join(stateDir, 'kubelet.conf')
    await writeKubeconfig(access, authority.cert, client)
    const settings = kubeletConfig({
      paths,
      authority: authority.cert,
      ...client,
      port: ports.kubelet,
      healthPort: ports.kubeletHealth,
      subnet: options.subnet,
    })
    await writeFile(paths.kubeletConfig, settings)
    const node = readFileSync(join(stateDir, 'run', 'node.started'), 'utf8').trim()
    const inside = ['--target', node, '--mount', '--pid', '--']
    const settingFlags = flags({
      config: paths.kubeletConfig,
      kubeconfig: access,
      'root-dir': paths.kubelet,
      'cert-dir': paths.pki,
      'hostname-override': nodeName,
      'node-ip': gateway,
    })
    const args = [...inside, await ensureTool('kubernetes'), 'kubelet', ...settingFlags]
    daemons.start({ name: 'kubelet', command: 'nsenter', args })
  }

  async function writeKubeconfig(path: string, authority: string, client: Certificates) {
    await writeFile(path, await kubeconfig(server, authority, client), { mode: 0o600 })
  }

  async function load({ path }: ImageArchive): Promise<void> {
    const containerd = ['-a', paths.containerdSocket, '-n', 'k8s.io']
    await run('ctr', [...containerd, 'images', 'import', path])
  }

  async function provideImages() {
    const [clone, kaniko] = [await cloneImage(), await kanikoImage(onProgress)]
    for (const archive of [clone, kaniko]) await load(archive)
    onProgress('the images for builds are loaded')
    return { cloneImage: clone.reference, kanikoImage: kaniko.reference }
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
    tools: ['kubernetes', 'kaniko'],
    kubeconfig: paths.adminKubeconfig,
    prepare,
    start,
    provideImages,
    stop,
  }
}

type Certificates = Parameters<typeof kubeconfig>[2]
