import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { flags, run } from './support/command.ts'
import type { Daemons } from './support/daemons.ts'
import { silent } from './support/progress.ts'
import type { ListenOptions } from './registry.ts'
import { ensureTool } from './tools.ts'

export interface Gitea {
  /** Without a slash at its end; plain HTTP. */
  readonly url: string
  /** `ssh://git@host:port`: the same repositories by SSH. */
  readonly sshUrl: string
  /** Its keys, as a line of OpenSSH's known_hosts. */
  readonly knownHosts: string
  /** An administrator; its name is also the owner of the repositories that it makes. */
  readonly username: string
  readonly password: string
  /** An access token with every scope. */
  readonly token: string
}

/** A Gitea with one account and no repository. It is the daemon `gitea`. */
export async function startGitea(
  daemons: Daemons,
  options: ListenOptions & { readonly sshPort: number },
): Promise<Gitea> {
  const { address, port, sshPort, onProgress = silent } = options
  const executable = await ensureTool('gitea', { onProgress })
  const directory = join(daemons.directory, 'gitea')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const url = `http://${address}:${port}`
  const file = join(directory, 'app.ini')
  const hostKey = join(directory, 'host-key')
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', hostKey])
  await writeFile(
    file,
    configuration({ directory, address, port, sshPort, hostKey, url, executable }),
  )
  const env = { ...process.env, HOME: directory, GITEA_WORK_DIR: directory }
  const gitea = async (...args: string[]) => {
    return (await run(executable, ['--config', file, ...args], { env })).trim()
  }
  const username = 'dev'
  await gitea('migrate')
  const account = flags({
    username,
    email: `${username}@kanihook.test`,
    admin: 'true',
    'must-change-password': 'false',
    'random-password': 'true',
    'access-token': 'true',
    'access-token-scopes': 'all',
  })
  const created = await gitea('admin', 'user', 'create', ...account)
  daemons.start({ name: 'gitea', command: executable, args: ['--config', file, 'web'], env })
  await daemons.waitFor('gitea', async () => (await fetch(`${url}/api/healthz`)).ok)
  return {
    url,
    sshUrl: `ssh://git@${address}:${sshPort}`,
    knownHosts: `[${address}]:${sshPort} ${await readFile(`${hostKey}.pub`, 'utf8')}`,
    username,
    password: find(created, /generated random password is '(.+)'/),
    token: find(created, /\b([0-9a-f]{40})\b/),
  }
}

function find(output: string, pattern: RegExp): string {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new Error(`gitea did not print ${String(pattern)}`)
  return found
}

interface Settings {
  readonly directory: string
  readonly address: string
  readonly port: number
  readonly sshPort: number
  readonly hostKey: string
  readonly url: string
  readonly executable: string
}

function configuration(settings: Settings): string {
  const { directory, address, port, sshPort, hostKey, url, executable } = settings
  const secret = () => randomBytes(32).toString('hex')
  // Gitea refuses root, which a node of plain processes needs; here nothing of it outlives the test
  const asRoot = process.getuid?.() === 0 ? 'I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true' : ''
  return `${asRoot}
WORK_PATH = ${directory}
[server]
HTTP_ADDR = ${address}
HTTP_PORT = ${port}
ROOT_URL = ${url}/
STATIC_ROOT_PATH = ${dirname(executable)}
APP_DATA_PATH = ${join(directory, 'data')}
START_SSH_SERVER = true
SSH_DOMAIN = ${address}
SSH_LISTEN_HOST = ${address}
SSH_LISTEN_PORT = ${sshPort}
SSH_PORT = ${sshPort}
BUILTIN_SSH_SERVER_USER = git
SSH_SERVER_HOST_KEYS = ${hostKey}
LFS_START_SERVER = true
LFS_JWT_SECRET = ${randomBytes(32).toString('base64url')}
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${join(directory, 'gitea.db')}
[repository]
ROOT = ${join(directory, 'repositories')}
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
SECRET_KEY = ${secret()}
INTERNAL_TOKEN = ${secret()}
[oauth2]
ENABLED = false
[service]
DISABLE_REGISTRATION = true
[webhook]
# else hooks to private addresses, which all are here, are refused
ALLOWED_HOST_LIST = *
[queue]
# the default, on disk, polls: a webhook would be sent some seconds late
TYPE = channel
[cron]
ENABLED = false
[actions]
ENABLED = false
[packages]
ENABLED = false
[log]
LEVEL = Warn
`
}
