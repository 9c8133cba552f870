import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from '../test/cluster/support/lock.ts'
import { withHeartbeat, type Progress } from '../test/cluster/support/progress.ts'
import type { Mode } from './mode.ts'

interface Source {
  readonly what: string
  /** Debian's and Ubuntu's package. */
  readonly debian: string
  /** Where else it comes from. */
  readonly elsewhere: string
}

const sources = {
  'redis-server': {
    what: 'kanihook keeps deliveries, builds and logs in it',
    debian: 'redis-server',
    elsewhere: 'brew install redis, dnf install redis, https://redis.io/docs/latest/get-started',
  },
  git: {
    what: 'the private repository, the push and the clone',
    debian: 'git',
    elsewhere: 'brew install git, dnf install git, https://git-scm.com/downloads',
  },
  'docker-registry': {
    what: 'the private registry',
    debian: 'docker-registry',
    elsewhere:
      'dnf install docker-distribution, https://github.com/distribution/distribution/releases',
  },
  htpasswd: {
    what: "the registry's password file",
    debian: 'apache2-utils',
    elsewhere: 'dnf install httpd-tools',
  },
  skopeo: {
    what: 'pushes the base image and pulls the built one back',
    debian: 'skopeo',
    elsewhere: 'brew install skopeo, dnf install skopeo',
  },
  busybox: {
    what: 'the shell in the base image',
    debian: 'busybox-static',
    elsewhere: 'dnf install busybox, https://busybox.net',
  },
  tar: { what: 'reads the layers of images', debian: 'tar', elsewhere: 'your system has it' },
  unshare: {
    what: 'keeps the processes of pods apart',
    debian: 'util-linux',
    elsewhere: 'the package util-linux',
  },
  setpriv: {
    what: 'ends the processes of pods with the demo',
    debian: 'util-linux',
    elsewhere: 'the package util-linux',
  },
  go: {
    what: 'builds the Kaniko executor, once',
    debian: 'golang-go',
    elsewhere: 'https://go.dev/dl, version 1.21 or later',
  },
} as const satisfies Record<string, Source>

export type Program = keyof typeof sources

export const programsOf: Readonly<Record<Mode, readonly Program[]>> = {
  simulated: ['redis-server', 'git'],
  processes: [
    'redis-server',
    'git',
    'docker-registry',
    'htpasswd',
    'skopeo',
    'busybox',
    'tar',
    'unshare',
    'setpriv',
  ],
  // What the cluster itself needs is seen to where it is brought up.
  cluster: ['redis-server', 'git', 'skopeo', 'tar'],
}

/** Something that this machine lacks and that the demo cannot get by itself. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/**
 * Sees to it that the programs are there: as root on Debian by apt-get, and says so. Throws
 * Unavailable elsewhere, with what is missing and how to get it.
 */
export async function providePrograms(wanted: readonly Program[], progress: Progress) {
  includeSystemFolders()
  const missing = wanted.filter((program) => !isInstalled(program))
  if (missing.length === 0) return
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    throw new Unavailable(missingPrograms(missing))
  }
  const packages = packagesOf(missing)
  const label = `missing: ${missing.join(', ')}; installing the Debian packages ${packages.join(', ')}`
  await withHeartbeat(progress, label, () => withLock('apt-get', () => install(packages)))
}

export function missingPrograms(missing: readonly Program[]): string {
  const lines = missing.flatMap((program) => {
    const { what, debian, elsewhere } = sources[program]
    return [`  ${program}: ${what}`, `      Debian: ${debian}; elsewhere: ${elsewhere}`]
  })
  const install = `apt-get install --no-install-recommends ${packagesOf(missing).join(' ')}`
  return ['Missing on this machine:', ...lines, `As root on Debian: ${install}`].join('\n')
}

const packagesOf = (programs: readonly Program[]): string[] => {
  const certificates = programs.includes('go') || programs.includes('skopeo')
  const packages = programs.map((program) => sources[program].debian)
  return [...new Set([...packages, ...(certificates ? ['ca-certificates'] : [])])]
}

/** Debian keeps servers' programs where a user's PATH may not lead. */
function includeSystemFolders(): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const absent = ['/usr/sbin', '/sbin'].filter((folder) => !folders.includes(folder))
  process.env['PATH'] = [...folders, ...absent].join(delimiter)
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/**
 * Debian starts a server as soon as it is installed, here a Redis and an open registry. Its package
 * scripts ask policy-rc.d first (invoke-rc.d(8)): 101 says no.
 */
async function install(packages: readonly string[]): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d'
  const existing = existsSync(policy) ? readFileSync(policy) : undefined
  if (!existing) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await apt('update', '--quiet')
    await apt('install', '--yes', '--no-install-recommends', ...packages)
  } finally {
    if (!existing) rmSync(policy)
  }
}

/** In a process group of its own: a Ctrl-C in the middle would leave packages half installed. */
async function apt(...args: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const child = spawn('apt-get', args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => output.push(chunk))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return
  const words = Buffer.concat(output).toString().trim().split('\n').slice(-15).join('\n')
  throw new Unavailable(`apt-get ${args.join(' ')} failed:\n${words}`)
}
