import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './support/command.ts'
import type { Daemons } from './support/daemons.ts'
import type { ImageArchive } from './support/image-archive.ts'
import { ensurePrograms } from './support/programs.ts'
import { silent, type Progress } from './support/progress.ts'

export interface Registry {
  /** `address:port`; plain HTTP. */
  readonly host: string
  readonly username: string
  readonly password: string
}

export interface ListenOptions {
  readonly address: string
  readonly port: number
  readonly onProgress?: Progress
}

/** A private registry, empty at first. It is the daemon `registry`; its files are in the daemons' folder. */
export async function startRegistry(daemons: Daemons, options: ListenOptions): Promise<Registry> {
  const { address, port, onProgress = silent } = options
  await ensurePrograms(['docker-registry', 'htpasswd'], onProgress)
  const directory = join(daemons.directory, 'registry')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const registry: Registry = {
    host: `${address}:${port}`,
    username: 'kanihook',
    password: randomBytes(12).toString('hex'),
  }
  const passwords = await run('htpasswd', ['-niB', registry.username], { input: registry.password })
  await writeFile(join(directory, 'htpasswd'), passwords)
  const configuration = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(directory, 'data') },
      delete: { enabled: true },
    },
    http: { addr: registry.host, secret: randomBytes(16).toString('hex') },
    auth: { htpasswd: { realm: 'kanihook', path: join(directory, 'htpasswd') } },
  }
  const file = join(directory, 'config.yml')
  await writeFile(file, JSON.stringify(configuration))
  // The registry takes every variable REGISTRY_* as configuration.
  const env = { PATH: process.env['PATH'] }
  daemons.start({ name: 'registry', command: 'docker-registry', args: ['serve', file], env })
  await daemons.waitFor('registry', async () => {
    return (await fetch(`http://${registry.host}/v2/`)).status === 401
  })
  return registry
}

/** What a dockerconfigjson Secret for the registry holds. */
export function dockerConfig({ host, username, password }: Registry): string {
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  return JSON.stringify({ auths: { [host]: { auth } } })
}

/** Pushes an archive as `repository:tag` and returns its whole reference. */
export async function pushArchive(
  daemons: Daemons,
  registry: Registry,
  archive: ImageArchive,
  name: string,
): Promise<string> {
  const authFile = join(daemons.directory, 'registry', 'docker-config.json')
  await writeFile(authFile, dockerConfig(registry), { mode: 0o600 })
  const reference = `${registry.host}/${name}`
  const access = ['--dest-tls-verify=false', '--dest-authfile', authFile]
  const [from, to] = [`docker-archive:${archive.path}`, `docker://${reference}`]
  await run('skopeo', ['--insecure-policy', 'copy', '--quiet', ...access, from, to])
  return reference
}
