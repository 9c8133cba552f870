import { constants } from 'node:fs'
import { access, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run } from './command.ts'
import { withLock } from './lock.ts'
import { withHeartbeat, type Progress } from './progress.ts'

/** Every program that is not on each Linux, and the Debian packages that bring it. */
const packagesOf = {
  etcd: ['etcd-server'],
  containerd: ['containerd'],
  runc: ['runc'],
  '/usr/lib/cni/bridge': ['containernetworking-plugins'],
  'docker-registry': ['docker-registry'],
  htpasswd: ['apache2-utils'],
  busybox: ['busybox-static'],
  tini: ['tini'],
  skopeo: ['skopeo'],
  mmdebstrap: ['mmdebstrap'],
  'redis-server': ['redis-server'],
  openssl: ['openssl'],
  ip: ['iproute2'],
  iptables: ['iptables'],
  git: ['git', 'ca-certificates'],
  'git-lfs': ['git-lfs'],
  ssh: ['openssh-client'],
  sshd: ['openssh-server'],
  go: ['golang-go', 'ca-certificates'],
  gcc: ['gcc', 'libc6-dev'],
} as const satisfies Record<string, readonly string[]>

export type Program = keyof typeof packagesOf

/** Sees to it that the programs are there: on Debian, as root, by apt-get; else says what is missing. */
export async function ensurePrograms(wanted: readonly Program[], progress: Progress) {
  includeSystemFolders()
  const missing: Program[] = []
  for (const program of wanted) if (!(await isInstalled(program))) missing.push(program)
  if (missing.length === 0) return
  const packages = [...new Set(missing.flatMap((program) => packagesOf[program]))]
  const install = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !(await isInstalled('apt-get'))) {
    throw new Error(`missing: ${missing.join(', ')}. On Debian, as root: ${install}`)
  }
  const label = `installing Debian packages for ${missing.join(', ')}: ${install}`
  await withHeartbeat(progress, label, () => withLock('apt-get', () => installPackages(packages)))
}

/** Debian keeps servers' programs where a user's PATH may not lead. */
function includeSystemFolders(): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const absent = ['/usr/sbin', '/sbin'].filter((folder) => !folders.includes(folder))
  process.env['PATH'] = [...folders, ...absent].join(delimiter)
}

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const places = program.startsWith('/') ? [program] : folders.map((dir) => join(dir, program))
  for (const place of places) {
    if (await isExecutable(place)) return true
  }
  return false
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function installPackages(packages: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await withoutServices(async () => {
    await run('apt-get', ['update', '--quiet'], { env })
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], { env })
  })
}

/**
 * Debian starts a server as soon as it is installed, here an open registry on every interface. Its
 * package scripts ask policy-rc.d first (invoke-rc.d(8)): 101 says no.
 */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d'
  const existing = await readFile(policy).catch(() => undefined)
  if (existing) return await work()
  await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await work()
  } finally {
    await rm(policy)
  }
}
