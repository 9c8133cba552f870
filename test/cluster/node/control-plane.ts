import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ResolvedOptions } from '../options.ts'
import { flags } from '../support/command.ts'
import type { Daemons } from '../support/daemons.ts'
import type { Progress } from '../support/progress.ts'
import { ensureTool } from '../tools.ts'
import { kubeconfig, type Certificate, type createAuthority } from './certificates.ts'
import type { NodePaths } from './configuration.ts'

export interface ControlPlaneSettings {
  readonly daemons: Daemons
  readonly paths: NodePaths
  readonly options: ResolvedOptions
  readonly authority: Awaited<ReturnType<typeof createAuthority>>
  readonly admin: Certificate
  /** The API server's URL on this machine. */
  readonly server: string
  readonly onProgress: Progress
}

export interface ControlPlane {
  /** Starts the API server again after it was stopped; returns when it serves. */
  startApiServer(): Promise<void>
}

/** Starts etcd, the API server, the controller manager and the scheduler; returns when they serve. */
export async function startControlPlane(settings: ControlPlaneSettings): Promise<ControlPlane> {
  const { daemons, paths, options, authority, admin, server, onProgress } = settings
  const { ports, addresses, stateDir } = options
  const kube = await ensureTool('kubernetes', { onProgress })
  const start = (component: string, values: Record<string, string | number>) => {
    daemons.start({ name: component, command: kube, args: [component, ...flags(values)] })
  }
  const accessFor = async (component: string) => {
    const client = await authority.issue({ name: component, commonName: `system:${component}` })
    const path = join(stateDir, `${component}.conf`)
    await writeFile(path, await kubeconfig(server, authority.cert, client), { mode: 0o600 })
    return path
  }

  onProgress('starting etcd and the API server')
  const etcd = `http://127.0.0.1:${ports.etcd}`
  startEtcd(daemons, paths, etcd, `http://127.0.0.1:${ports.etcdPeer}`)
  const names = ['127.0.0.1', addresses.host, addresses.firstService].map(
    (address) => `IP:${address}`,
  )
  const serving = await authority.issue({
    name: 'kube-apiserver',
    commonName: 'kube-apiserver',
    alternativeNames: [...names, 'DNS:localhost', 'DNS:kubernetes.default.svc'],
  })
  const tokens = await authority.issueKeyPair('service-accounts')
  const api = { ca: readFileSync(authority.cert), ...readPair(admin) }
  const apiServer = {
    'etcd-servers': etcd,
    'bind-address': '0.0.0.0',
    'secure-port': ports.apiServer,
    'advertise-address': addresses.host,
    'tls-cert-file': serving.cert,
    'tls-private-key-file': serving.key,
    'client-ca-file': authority.cert,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': tokens.publicKey,
    'service-account-signing-key-file': tokens.privateKey,
    'authorization-mode': 'Node,RBAC',
    'service-cluster-ip-range': addresses.services,
    'allow-privileged': 'true',
    'kubelet-client-certificate': admin.cert,
    'kubelet-client-key': admin.key,
    'kubelet-certificate-authority': authority.cert,
    // else it looks the node's name up in DNS for logs
    'kubelet-preferred-address-types': 'InternalIP',
    // it wants a later etcd than Debian's, and clients lose seconds by finding that out
    'feature-gates': 'WatchList=false',
  }
  const startApiServer = async (): Promise<void> => {
    start('kube-apiserver', apiServer)
    await daemons.waitFor('kube-apiserver', () => isReady(`${server}/readyz`, api))
  }
  const serves = startApiServer()
  const [managerAccess, schedulerAccess] = [
    await accessFor('kube-controller-manager'),
    await accessFor('kube-scheduler'),
  ]
  await serves

  onProgress('starting the controller manager and the scheduler')
  start('kube-controller-manager', {
    kubeconfig: managerAccess,
    'service-account-private-key-file': tokens.privateKey,
    'root-ca-file': authority.cert,
    'use-service-account-credentials': 'true',
    // each of its many controllers makes an account first: half a second instead of four
    'kube-api-qps': 200,
    'kube-api-burst': 400,
    'leader-elect': 'false',
    'bind-address': '127.0.0.1',
    'secure-port': ports.controllerManager,
    'cert-dir': join(paths.pki, 'kube-controller-manager'),
  })
  start('kube-scheduler', {
    kubeconfig: schedulerAccess,
    'leader-elect': 'false',
    'bind-address': '127.0.0.1',
    'secure-port': ports.scheduler,
    'cert-dir': join(paths.pki, 'kube-scheduler'),
  })
  return { startApiServer }
}

function startEtcd(daemons: Daemons, paths: NodePaths, client: string, peer: string): void {
  const args = flags({
    name: 'test',
    'data-dir': paths.etcd,
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `test=${peer}`,
    'unsafe-no-fsync': 'true', // the data live no longer than the cluster
  })
  daemons.start({ name: 'etcd', command: 'etcd', args })
}

function readPair({ cert, key }: Certificate) {
  return { cert: readFileSync(cert), key: readFileSync(key) }
}

async function isReady(url: string, tls: { ca: Buffer; cert: Buffer; key: Buffer }) {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const call = request(url, { ...tls, agent: false, timeout: 5000 }, (response) => {
    response.resume()
    resolve(response.statusCode === 200)
  })
  call.on('timeout', () => call.destroy(new Error(`${url} does not answer`)))
  call.on('error', reject)
  call.end()
  return await promise
}
