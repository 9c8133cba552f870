import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { SshKey } from '../../src/builds/ports.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

/** Debian keeps it where a user's PATH may not lead, and it wants to be called by its path. */
const program = '/usr/sbin/sshd'

/** Whether this machine has OpenSSH's server, without which tests of SSH are left out. */
export const hasSshServer = spawnSync(program, ['-V']).error === undefined

export interface SshServer {
  /** `ssh://user@host:port` */
  readonly url: string
  /** Its host as OpenSSH's known_hosts has it. */
  readonly knownAs: string
  /** The login that is let in. */
  readonly login: SshKey
  /** A key that is not, and what belongs to it. */
  readonly stranger: { readonly privateKey: string; readonly publicKey: string }
  stop(): Promise<void>
}

/** Serves the repositories of a folder by OpenSSH's own server on a loopback port, to one key. */
export async function startSshServer(repositories: string): Promise<SshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-sshd-'))
  const [port, privateKey, stranger] = await Promise.all([
    freePort(),
    ...['login', 'stranger', 'host'].map((name) => keyPair(join(folder, name))),
  ])
  // Git asks for `git-upload-pack '/acme/app.git'`; the quotes are a shell's.
  const serve = join(folder, 'serve')
  await writeFile(
    serve,
    `eval "set -- $SSH_ORIGINAL_COMMAND"\nexec git upload-pack "${repositories}$2"\n`,
  )
  const settings = {
    HostKey: join(folder, 'host'),
    AuthorizedKeysFile: join(folder, 'login.pub'),
    PidFile: 'none',
    ListenAddress: `127.0.0.1:${port}`,
    ForceCommand: `sh ${serve}`,
    AcceptEnv: 'GIT_PROTOCOL',
    StrictModes: 'no',
    UsePAM: 'no',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
  }
  const config = join(folder, 'sshd_config')
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`)
  await writeFile(config, lines.join(''))
  // Where the server is root it locks itself up there.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true })
  const child = spawn(program, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  for await (const line of createInterface(child.stderr)) {
    if (line.startsWith('Server listening')) break
  }
  child.stderr.resume()
  const knownAs = `[127.0.0.1]:${port}`
  const hostKey = await readFile(join(folder, 'host.pub'), 'utf8')
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    knownAs,
    login: { privateKey: privateKey!, knownHosts: `${knownAs} ${hostKey}` },
    stranger: {
      privateKey: stranger!,
      publicKey: await readFile(join(folder, 'stranger.pub'), 'utf8'),
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function keyPair(file: string): Promise<string> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
  return readFile(file, 'utf8')
}
