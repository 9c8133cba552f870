import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { baseImage } from '../../cluster/images.ts'
import { dockerConfig, pushArchive, startRegistry } from '../../cluster/registry.ts'
import { createDaemons } from '../../cluster/support/daemons.ts'
import { createProcessRunner, startKubernetes } from '../../stand-ins/kubernetes/index.ts'
import { freePort } from '../../support/free-port.ts'
import { startGitServer } from '../../support/git-server.ts'
import { dockerfile, newRequest } from './requests.ts'
import type { ClusterUnderTest } from './setup.ts'

/** The programs that process mode needs beside the executor. */
const programs = ['git', 'unshare', 'setpriv', 'chroot', 'docker-registry', 'htpasswd', 'skopeo']

/** What is missing on this machine to run pods as processes; empty: nothing. */
export function missingForProcesses(executor: string | undefined): string[] {
  const absent = programs.filter((each) => spawnSync('which', [each]).status !== 0)
  return [
    ...(process.platform === 'linux' ? [] : ['Linux']),
    ...(process.getuid?.() === 0 ? [] : ['root']),
    ...(executor !== undefined && existsSync(executor) ? [] : ['a Kaniko executor']),
    ...absent,
  ]
}

/** The stand-in with real clones from a private git server, real builds and a private registry. */
export async function processCluster(
  executor: string,
  crane: string | undefined,
): Promise<ClusterUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-processes-'))
  const daemons = createDaemons(folder)
  const registry = await startRegistry(daemons, { address: '127.0.0.1', port: await freePort() })
  const base = await pushArchive(daemons, registry, await baseImage(), 'library/base:1')
  const credential = { username: 'git', password: randomBytes(12).toString('hex') }
  const git = await startGitServer({ login: credential })
  const [kanikoImage, cloneImage] = ['localhost/kaniko:1', 'localhost/git:1']
  const missingImage = 'localhost/missing:1'
  const publishImage = crane ? 'localhost/crane:1' : missingImage
  const images = [kanikoImage, cloneImage, ...(crane ? [publishImage] : [])]
  const runner = createProcessRunner({ executor, crane, images })
  const kubernetes = await startKubernetes({ runner })
  kubernetes.putSecret('registry-login', { '.dockerconfigjson': dockerConfig(registry) })
  return {
    kubeConfig: kubernetes.kubeConfig(),
    adminKubeConfig: kubernetes.kubeConfig(),
    namespace: 'kanihook-builds',
    kanikoImage,
    cloneImage,
    scanImage: '',
    publishImage,
    missingImage,
    registries: [{ host: registry.host, insecure: true, skipTlsVerify: false, mirror: undefined }],
    patienceMs: 60_000,
    async request(behaviour) {
      const name = `acme/${randomBytes(4).toString('hex')}`
      const ref = 'refs/heads/main'
      const sha = await git.commit(name, { Dockerfile: dockerfile(behaviour, base), a: 'a' })
      const source = { cloneUrl: `${git.url}/${name}`, ref, sha, credential }
      const destinations = [`${registry.host}/${name}:main`]
      return newRequest(source, { destinations, pushSecret: 'registry-login' })
    },
    async close() {
      await kubernetes.stop()
      await git.stop()
      for (const daemon of daemons.names()) await daemons.stop(daemon)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
