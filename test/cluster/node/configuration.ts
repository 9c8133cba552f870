import { join } from 'node:path'
import type { Addresses } from '../options.ts'

/** The folders and sockets of a node, all below the state directory. */
export function nodePaths(stateDir: string) {
  const at = (...parts: string[]) => join(stateDir, ...parts)
  return {
    pki: at('pki'),
    etcd: at('etcd'),
    kubelet: at('kubelet'),
    podLogs: at('pod-logs'),
    containerd: at('containerd'),
    containerdSocket: at('run', 'containerd.sock'),
    containerdConfig: at('containerd.toml'),
    registries: at('registries'),
    cni: at('cni'),
    cniPlugins: at('cni-plugins'),
    startingPods: at('cni-plugins', 'starting'),
    kubeletConfig: at('kubelet.json'),
    adminKubeconfig: at('admin.conf'),
  }
}

export type NodePaths = ReturnType<typeof nodePaths>

export function containerdConfig(paths: NodePaths, sandboxImage: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return `version = 2
root = ${JSON.stringify(join(paths.containerd, 'root'))}
state = ${JSON.stringify(join(paths.containerd, 'state'))}

[grpc]
  address = ${JSON.stringify(paths.containerdSocket)}

[plugins."io.containerd.internal.v1.opt"]
  path = ${JSON.stringify(join(paths.containerd, 'opt'))}

[${cri}]
  sandbox_image = ${JSON.stringify(sandboxImage)}
  # runc cannot lower the score of a pod's processes where root lacks CAP_SYS_RESOURCE
  restrict_oom_score_adj = true

[${cri}.registry]
  config_path = ${JSON.stringify(paths.registries)}

[${cri}.cni]
  bin_dir = ${JSON.stringify(paths.cniPlugins)}
  conf_dir = ${JSON.stringify(paths.cni)}
`
}

/** How containerd reaches a registry that speaks plain HTTP: `hosts.toml` in a folder of its name. */
export const plainRegistry = (host: string): string =>
  `server = "http://${host}"\n[host."http://${host}"]\n  capabilities = ["pull", "resolve"]\n`

export function podNetwork(paths: NodePaths, subnet: string): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'policed-bridge',
        bridge: 'pods',
        hairpinMode: true, // a pod may call a service that is itself
        isGateway: true,
        ipam: {
          type: 'host-local',
          dataDir: join(paths.cni, 'addresses'),
          ranges: [[{ subnet }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  })
}

export interface KubeletSettings {
  readonly paths: NodePaths
  readonly authority: string
  readonly cert: string
  readonly key: string
  readonly port: number
  readonly healthPort: number
  readonly addresses: Addresses
}

export const clusterDomain = 'cluster.local'

export function kubeletConfig(settings: KubeletSettings): string {
  const { paths, addresses } = settings
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: settings.authority },
    },
    authorization: { mode: 'AlwaysAllow' },
    tlsCertFile: settings.cert,
    tlsPrivateKeyFile: settings.key,
    port: settings.port,
    healthzPort: settings.healthPort,
    containerRuntimeEndpoint: `unix://${paths.containerdSocket}`,
    podLogsDir: paths.podLogs,
    volumePluginDir: join(paths.kubelet, 'volume-plugins'),
    makeIPTablesUtilChains: false, // nothing here uses them, and they would stay behind
    podCIDR: addresses.pods,
    clusterDNS: [addresses.node],
    clusterDomain,
    resolvConf: '/etc/resolv.conf',
    // whatever cgroups the machine has, with no services of systemd in between
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    // a machine that is short of disk must not evict the pods of a test or delete its images
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
    },
    imageGCHighThresholdPercent: 100,
    // how full a pod's volumes are is looked at less than once a minute else, too late for a test
    volumeStatsAggPeriod: '5s',
  })
}

/** CoreDNS: the cluster's services, and all other names as this machine resolves them. */
export const corefile = ({ node }: Addresses, kubeconfig: string): string => `.:53 {
  bind ${node}
  errors
  cache 5
  kubernetes ${clusterDomain} {
    kubeconfig ${kubeconfig}
  }
  forward . /etc/resolv.conf
}
`
