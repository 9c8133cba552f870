import { join } from 'node:path'
import { provideBuildImages } from './images.ts'
import type { Provider, ProviderContext } from './provider.ts'
import { run, succeeds } from './support/command.ts'
import { withHeartbeat } from './support/progress.ts'

const name = 'kanihook-test'

/** Whether Docker answers (its program alone means nothing) and kind is there. */
export async function canRunKind(): Promise<boolean> {
  const docker = await succeeds('docker', ['info'], { timeoutMs: 10_000 })
  return docker && (await succeeds('kind', ['version']))
}

/** A node in a Docker container, by kind (https://kind.sigs.k8s.io). */
export function createKindCluster({ options, daemons, onProgress }: ProviderContext): Provider {
  const kubeconfig = join(options.stateDir, 'admin.conf')
  return {
    programs: ['busybox', 'git'],
    tools: ['kaniko', 'crane'],
    kubeconfig,
    async prepare() {
      const create = ['create', 'cluster', '--name', name, '--kubeconfig', kubeconfig]
      await withHeartbeat(onProgress, `kind ${create.join(' ')}`, () => {
        return run('kind', [...create, '--wait', '180s'])
      })
      return options.hostAddress ?? (await networkGateway())
    },
    async start() {
      // `prepare` waited for the node: Docker's network comes with it
    },
    provideImages: () =>
      provideBuildImages(onProgress, ({ path }) =>
        run('kind', ['load', 'image-archive', path, '--name', name]),
      ),
    async stop() {
      for (const daemon of daemons.names()) await daemons.stop(daemon)
      await run('kind', ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig])
    },
  }
}

/** This machine's IPv4 address in Docker's network of that name. */
async function networkGateway(): Promise<string> {
  const format = '{{range .IPAM.Config}}{{println .Gateway}}{{end}}'
  const gateways = await run('docker', ['network', 'inspect', 'kind', '--format', format])
  const address = gateways.split('\n').find((line) => /^\d+(\.\d+){3}$/.test(line.trim()))
  if (!address) throw new Error('the Docker network `kind` has no IPv4 gateway: set HOST_ADDRESS')
  return address.trim()
}
