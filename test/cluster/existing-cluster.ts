import { hasReadyNode, removeBuildNamespace } from './access.ts'
import type { Provider, ProviderContext } from './provider.ts'

/** The published images, for nodes that can pull but that no archive can be loaded into. */
const published = {
  kaniko: 'ghcr.io/osscontainertools/kaniko:v1.28.3',
  publish: 'gcr.io/go-containerregistry/crane/debug:v0.22.1',
}

/**
 * The cluster that KUBECONFIG points to. It keeps its nodes and settings; only the namespace of the
 * builds is added, and removed again. Its pods must reach this machine at HOST_ADDRESS, and what they
 * pull there is plain HTTP.
 */
export function createExistingCluster(
  { options, daemons, onProgress }: ProviderContext,
  kubeconfig: string,
): Provider {
  return {
    programs: ['busybox'],
    tools: [],
    kubeconfig,
    async prepare() {
      if (options.hostAddress) return options.hostAddress
      throw new Error('set HOST_ADDRESS to an address of this machine that pods can reach')
    },
    async start() {
      if (!(await hasReadyNode(kubeconfig))) throw new Error(`${kubeconfig}: no node is ready`)
      onProgress(`using the cluster of ${kubeconfig}`)
    },
    async provideImages() {
      return {
        cloneImage: process.env['CLONE_IMAGE'] || 'docker.io/alpine/git:v2.54.0',
        kanikoImage: process.env['KANIKO_IMAGE'] || published.kaniko,
        publishImage: process.env['PUBLISH_IMAGE'] || published.publish,
      }
    },
    async stop() {
      for (const name of daemons.names()) await daemons.stop(name)
      await removeBuildNamespace(kubeconfig).catch((error: unknown) => {
        onProgress(`the namespace of the builds is not removed: ${String(error)}`)
      })
    },
  }
}
