import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './support/command.ts'
import { goArchitecture } from './support/go.ts'
import { withLock } from './support/lock.ts'
import { ensurePrograms } from './support/programs.ts'
import { withHeartbeat, type Progress } from './support/progress.ts'
import { ensureImage, type ImageArchive, type ImageFile } from './support/image-archive.ts'
import { cacheDirectory, ensureTool } from './tools.ts'

type Files = Record<string, ImageFile>

/** The images that the containers of a build have. */
export interface BuildImages<Image> {
  readonly cloneImage: Image
  readonly kanikoImage: Image
  readonly publishImage: Image
}

const certificates = '/etc/ssl/certs/ca-certificates.crt'
const npmVersion = '11.19.1'
const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What holds a pod's network together: it only has to stay. */
export async function pauseImage(): Promise<ImageArchive> {
  return await ensure('pause', {
    files: { 'bin/busybox': { copyTarget: await which('busybox') } },
    config: { Entrypoint: ['/bin/busybox', 'sleep', 'infinity'] },
  })
}

/** A base image for Dockerfiles: a shell with the usual commands, and nothing else. */
export async function baseImage(): Promise<ImageArchive> {
  return await ensure('base', {
    files: await shell(),
    config: { Env: [searchPath], Cmd: ['sh'] },
  })
}

/** Git, Git LFS and ssh with a shell, as the clone container of a build needs them; runs as any user. */
export async function cloneImage(onProgress: Progress): Promise<ImageArchive> {
  await ensurePrograms(['git', 'git-lfs', 'ssh'], onProgress)
  const [git, lfs, ssh] = await Promise.all([which('git'), which('git-lfs'), which('ssh')])
  const commands = (await run('git', ['--exec-path'])).trim()
  const programs = [git, join(commands, 'git-remote-http'), lfs, ssh]
  const libraries = (await Promise.all(programs.map(librariesOf))).flat()
  return await ensure('clone', {
    files: {
      ...(await shell()),
      'usr/bin/git': { copyTarget: git },
      'usr/bin/git-lfs': { copyTarget: lfs },
      'usr/bin/ssh': { copyTarget: ssh },
      [commands.slice(1)]: { copy: commands },
      'usr/share/git-core/templates': { mode: 0o755 },
      ...Object.fromEntries(libraries.map((path) => [path.slice(1), { copyTarget: path }])),
      [certificates.slice(1)]: { copyTarget: certificates },
    },
    config: { Env: [searchPath, 'HOME=/tmp'], Cmd: ['sh'] },
  })
}

/** The executor, in an image configured as the published one with a shell (`-debug`) is. */
export async function kanikoImage(onProgress: Progress): Promise<ImageArchive> {
  return await ensure('kaniko', {
    files: {
      'kaniko/executor': { copy: await ensureTool('kaniko', { onProgress }) },
      'kaniko/.docker': { mode: 0o755 },
      'kaniko/ssl/certs/ca-certificates.crt': { copyTarget: certificates },
      'etc/nsswitch.conf': { text: 'hosts: files dns\n' },
      workspace: { mode: 0o755 },
      'busybox/sh': { copyTarget: await which('busybox') },
      'busybox/sleep': { link: 'sh' },
    },
    config: {
      Volumes: { '/busybox': {} },
      Env: [
        'PATH=/usr/local/bin:/kaniko',
        'HOME=/root',
        'USER=root',
        'SSL_CERT_DIR=/kaniko/ssl/certs',
        'DOCKER_CONFIG=/kaniko/.docker/',
      ],
      WorkingDir: '/workspace',
      Entrypoint: ['/kaniko/executor'],
    },
  })
}

/** crane and a shell, as in the `debug` images that its makers publish; runs as any user. */
export async function publishImage(onProgress: Progress): Promise<ImageArchive> {
  return await withProgram('crane', await ensureTool('crane', { onProgress }))
}

/** Trivy and a shell, as in its published image; runs as any user. */
export async function trivyImage(onProgress: Progress): Promise<ImageArchive> {
  return await withProgram('trivy', await ensureTool('trivy', { onProgress }))
}

const withProgram = async (name: string, path: string): Promise<ImageArchive> =>
  await ensure(name, {
    files: {
      ...(await shell()),
      [`usr/local/bin/${name}`]: { copy: path },
      [certificates.slice(1)]: { copyTarget: certificates },
    },
    config: { Env: [searchPath], Entrypoint: [name] },
  })

/** Makes them, and loads each into the node. */
export async function provideBuildImages(
  onProgress: Progress,
  load: (archive: ImageArchive) => Promise<unknown>,
): Promise<BuildImages<string>> {
  const loaded = async (archive: ImageArchive): Promise<string> => {
    await load(archive)
    return archive.reference
  }
  return {
    cloneImage: await loaded(await cloneImage(onProgress)),
    kanikoImage: await loaded(await kanikoImage(onProgress)),
    publishImage: await loaded(await publishImage(onProgress)),
  }
}

/**
 * What stands in for `docker.io/library/node:VERSION-trixie-slim`, which cannot be pulled here: Debian
 * with this process' own Node and npm. It trusts the certificates that this machine trusts, for the
 * way to the package registries may lead through a proxy.
 */
export async function nodeImage(onProgress: Progress): Promise<ImageArchive> {
  const npm = await npmPackage()
  return await ensure('node', {
    base: await debian('trixie', onProgress),
    files: {
      'usr/local/bin/node': { copyTarget: process.execPath },
      'usr/local/lib/node_modules/npm': { copyTarget: npm },
      'usr/local/bin/npm': { link: '../lib/node_modules/npm/bin/npm-cli.js' },
      'usr/local/share/machine-certificates.crt': { copyTarget: certificates },
    },
    config: {
      Env: [searchPath, 'NODE_EXTRA_CA_CERTS=/usr/local/share/machine-certificates.crt'],
      Cmd: ['node'],
    },
  })
}

/** Stands in for the chart's image of a bundled Redis: this machine's redis-server. */
export async function redisImage(): Promise<ImageArchive> {
  const programs = await Promise.all(['redis-server', 'redis-cli'].map(which))
  const libraries = (await Promise.all(programs.map(librariesOf))).flat()
  return await ensure('redis', {
    files: {
      ...(await shell()),
      ...Object.fromEntries(
        [...programs, ...libraries].map((path) => [path.slice(1), { copyTarget: path }]),
      ),
      'usr/bin/valkey-server': { link: 'redis-server' },
      'usr/bin/valkey-cli': { link: 'redis-cli' },
      data: { mode: 0o777 },
    },
    config: { Env: [searchPath], WorkingDir: '/data', Cmd: ['redis-server'] },
  })
}

/** Tekton's own parts in one image, each where its published image has it, and a shell for its scripts. */
export async function tektonImage(programs: string): Promise<ImageArchive> {
  const names = ['entrypoint', 'nop', 'sidecarlogresults', 'workingdirinit']
  return await ensure('tekton', {
    files: {
      ...(await shell()),
      ...Object.fromEntries(
        names.map((name) => [`ko-app/${name}`, { copyTarget: join(programs, name) }]),
      ),
    },
    config: { Env: [searchPath] },
  })
}

/** The folder of the package manager itself, as Node's own image has it. */
async function npmPackage(): Promise<string> {
  const folder = join(cacheDirectory(), 'images', `npm-${npmVersion}`)
  const npm = join(folder, 'node_modules', 'npm')
  await withLock(folder, async () => {
    if (existsSync(npm)) return
    const partial = `${folder}.partial`
    await rm(partial, { recursive: true, force: true })
    await run('npm', [
      'install',
      '--prefix',
      partial,
      '--no-audit',
      '--no-fund',
      `npm@${npmVersion}`,
    ])
    await rename(partial, folder)
  })
  return npm
}

/** A minimal Debian as a tar file, made by its own package tools. */
async function debian(release: string, onProgress: Progress): Promise<string> {
  const path = join(cacheDirectory(), 'images', `debian-${release}-${goArchitecture()}.tar`)
  await withLock(path, async () => {
    if (existsSync(path)) return
    await ensurePrograms(['mmdebstrap'], onProgress)
    await mkdir(join(cacheDirectory(), 'images'), { recursive: true })
    const partial = `${path}.partial`
    const source = 'http://deb.debian.org/debian'
    const args = ['--variant=minbase', '--format=tar', release, partial, source]
    try {
      await withHeartbeat(onProgress, `making a minimal Debian ${release}`, () =>
        run('mmdebstrap', args),
      )
      await rename(partial, path)
    } finally {
      await rm(partial, { force: true })
    }
  })
  return path
}

async function ensure(name: string, rest: Omit<Parameters<typeof ensureImage>[1], 'name'>) {
  return await ensureImage(join(cacheDirectory(), 'images'), { name, ...rest })
}

async function shell(): Promise<Files> {
  const busybox = await which('busybox')
  const commands = (await run(busybox, ['--list']))
    .split('\n')
    .filter((name) => /^[^/]+$/.test(name))
  const links = commands
    .filter((name) => name !== 'busybox')
    .map((name): [string, ImageFile] => [`bin/${name}`, { link: 'busybox' }])
  return {
    'bin/busybox': { copyTarget: busybox },
    ...Object.fromEntries(links),
    'etc/passwd': { text: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' },
    'etc/group': { text: 'root:x:0:\nnogroup:x:65534:\n' },
    'etc/nsswitch.conf': { text: 'hosts: files dns\n' },
    root: { mode: 0o700 },
    tmp: { mode: 0o1777 },
  }
}

async function which(program: string): Promise<string> {
  return (await run('sh', ['-c', 'command -v "$0"', program])).trim()
}

/** The shared libraries of a program and the loader itself, as ldd lists them. */
async function librariesOf(program: string): Promise<string[]> {
  const lines = (await run('ldd', [program])).split('\n')
  return lines.flatMap((line) => /(?:=> |^\s*)(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}
