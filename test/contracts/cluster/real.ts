import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { createGiteaClient } from '../../cluster/gitea-client.ts'
import { dockerConfig } from '../../cluster/registry.ts'
import type { TestCluster } from '../../cluster/test-cluster.ts'
import { dockerfile, newRequest } from './requests.ts'
import type { ClusterUnderTest } from './setup.ts'

const run = promisify(execFile)

/**
 * A real cluster with its Gitea and its registry: real pods clone a private repository, build it with
 * Kaniko and push the image. The adapter has the worker's permissions and no more.
 */
export async function realCluster(cluster: TestCluster): Promise<ClusterUnderTest> {
  const { gitea, registry, namespace } = cluster
  const admin = load(cluster.kubeconfig)
  const core = admin.makeApiClient(CoreV1Api)
  const pushSecret = `contract-${randomBytes(4).toString('hex')}`
  const body = {
    metadata: { name: pushSecret },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': dockerConfig(registry) },
  }
  await core.createNamespacedSecret({ namespace, body })
  const repositories = createGiteaClient(gitea)
  return {
    kubeConfig: load(cluster.workerKubeconfig),
    adminKubeConfig: admin,
    namespace,
    kanikoImage: cluster.kanikoImage,
    cloneImage: cluster.cloneImage,
    scanImage: '',
    publishImage: cluster.publishImage,
    missingImage: `${registry.host}/missing:1`,
    registries: [{ host: registry.host, insecure: true, skipTlsVerify: false, mirror: undefined }],
    patienceMs: 120_000,
    async request(behaviour) {
      const name = `contract-${randomBytes(4).toString('hex')}`
      const repository = await repositories.createRepository(name)
      const url = repositories.authenticatedUrl(repository)
      const sha = await push(url, { Dockerfile: dockerfile(behaviour, cluster.baseImage), a: 'a' })
      const credential = { username: gitea.username, password: gitea.token }
      const source = { cloneUrl: repository.cloneUrl, ref: 'refs/heads/main', sha, credential }
      const destinations = [`${registry.host}/${repository.fullName}:main`]
      return newRequest(source, { destinations, pushSecret })
    },
    close: async () => void (await core.deleteNamespacedSecret({ namespace, name: pushSecret })),
  }
}

function load(path: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromFile(path)
  return config
}

/** Commits the files and pushes them to `main`. Returns the commit. */
async function push(url: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-push-'))
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com']
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', [...identity, ...args], { cwd: folder })).stdout.trim()
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
    await git('init', '--quiet', '--initial-branch=main')
    await git('add', '--all')
    await git('commit', '--quiet', '--message=test')
    await git('push', '--quiet', url, 'HEAD:refs/heads/main')
    return await git('rev-parse', 'HEAD')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
