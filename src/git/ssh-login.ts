import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SshKey } from '../builds/ports.ts'

/** Names of the files of a login, beside each other in a folder of its own. */
export const sshFiles = { key: 'key', knownHosts: 'known_hosts' } as const

/**
 * How ssh is called with the login in that folder: with this key alone, at servers whose keys are known
 * beforehand alone, and by no setting of whoever runs it. See ssh_config(5).
 */
export function sshOptions(folder: string): string[] {
  const settings = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: join(folder, sshFiles.knownHosts),
    GlobalKnownHostsFile: '/dev/null',
    UpdateHostKeys: 'no',
    ConnectTimeout: '30',
  }
  return [
    '-F',
    '/dev/null',
    '-i',
    join(folder, sshFiles.key),
    ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
  ]
}

/** OpenSSH wants a line break at the end, which copies of a key often lack, and no carriage returns. */
export const asKeyFile = (key: string): string => `${key.replaceAll('\r', '').trimEnd()}\n`

/**
 * Lends a login to one git command: the key lies in a folder that only this user can read, and goes
 * with it. `environment`: what git is to be run with.
 */
export async function withSshKey<T>(
  { privateKey, knownHosts }: SshKey,
  work: (environment: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-ssh-'))
  try {
    const program = join(folder, 'ssh')
    const write = (name: string, text: string, mode: number): Promise<void> =>
      writeFile(join(folder, name), text, { mode })
    await write(sshFiles.key, asKeyFile(privateKey), 0o600)
    await write(sshFiles.knownHosts, knownHosts, 0o600)
    await write('ssh', sshProgram(sshOptions(folder)), 0o700)
    return await work({ GIT_SSH: program, GIT_SSH_VARIANT: 'ssh' })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A command with options needs a shell to call it (GIT_SSH_COMMAND), and the image of kanihook has none. */
const sshProgram = (options: readonly string[]): string => `#!${process.execPath}
const { spawnSync } = require('node:child_process')
const args = ${JSON.stringify(options)}.concat(process.argv.slice(2))
const { status, error } = spawnSync('ssh', args, { stdio: 'inherit' })
if (error) console.error(error.message)
process.exitCode = status ?? 255
`
