import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

/** What an image gives to a container. */
export interface ImageRoot {
  readonly folder: string
  readonly mounts: readonly Mount[]
  readonly entrypoint: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The part that an image plays is told by its container: `clone` has git, `publish` crane, all else is Kaniko. */
export async function imageRoot(
  container: string,
  folder: string,
  { executor, crane }: { readonly executor: string; readonly crane?: string | undefined },
): Promise<ImageRoot> {
  await mkdir(join(folder, 'etc'), { recursive: true })
  if (container === 'clone') return machineImage(folder)
  if (container !== 'publish') return kanikoImage(folder, executor)
  const root = await machineImage(folder)
  const program = { source: crane ?? '', target: '/opt/crane', readOnly: true }
  return { ...root, mounts: [...root.mounts, program], env: { PATH: `${path}:/opt` } }
}

/** The machine's own programs, git among them, to be read only. */
async function machineImage(folder: string): Promise<ImageRoot> {
  const shared = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc'].filter((each) =>
    existsSync(each),
  )
  const mounts = shared.map((each) => ({ source: each, target: each, readOnly: true }))
  return { folder, mounts, entrypoint: ['sh'], env: { PATH: path } }
}

/** As the published image has it: the executor, certificates and nothing to run a shell with. */
async function kanikoImage(folder: string, executor: string): Promise<ImageRoot> {
  const certificates = join(folder, 'kaniko/ssl/certs')
  await mkdir(certificates, { recursive: true })
  await mkdir(join(folder, 'workspace'))
  const bundle = '/etc/ssl/certs/ca-certificates.crt'
  if (existsSync(bundle)) await copyFile(bundle, join(certificates, 'ca-certificates.crt'))
  await writeFile(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\n')
  await writeFile(join(folder, 'etc/group'), 'root:x:0:\n')
  // Kubernetes mounts these two into every container, so that Kaniko leaves them alone.
  const files = ['/etc/resolv.conf', '/etc/hosts']
  const mounts = [executorMount(executor)].concat(
    files.map((file) => ({ source: file, target: file, readOnly: true })),
  )
  const env = {
    PATH: `${path}:/kaniko`,
    HOME: '/root',
    SSL_CERT_DIR: '/kaniko/ssl/certs',
    DOCKER_CONFIG: '/kaniko/.docker',
  }
  return { folder, mounts, entrypoint: ['/kaniko/executor'], env }
}

const executorMount = (source: string): Mount => ({
  source,
  target: '/kaniko/executor',
  readOnly: true,
})
