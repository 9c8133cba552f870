import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from './command.ts'
import { goArchitecture } from './go.ts'
import { withLock } from './lock.ts'

/** What lies at a path of the image. */
export type ImageFile =
  | { readonly copy: string } // a file or folder of this machine, links kept
  | { readonly copyTarget: string } // the same, but of a link what it points to
  | { readonly text: string }
  | { readonly link: string }
  | { readonly mode: number } // an empty folder

export interface ImageRecipe {
  readonly name: string
  /** A tar file that the files are laid over. */
  readonly base?: string
  readonly files: Readonly<Record<string, ImageFile>>
  /** As in the OCI image configuration. */
  readonly config: {
    readonly Env?: readonly string[]
    readonly Entrypoint?: readonly string[]
    readonly Cmd?: readonly string[]
    readonly WorkingDir?: string
    readonly Volumes?: Readonly<Record<string, object>>
  }
}

export interface ImageArchive {
  /** The name that containerd knows it by; the tag changes with the contents. */
  readonly reference: string
  /** A tar file as `docker save` writes it. */
  readonly path: string
}

/** An image of one layer, made from files of this machine; kept in the folder until they change. */
export async function ensureImage(folder: string, recipe: ImageRecipe): Promise<ImageArchive> {
  const version = await fingerprint(recipe)
  const path = join(folder, `${recipe.name}-${version}.tar`)
  const reference = `localhost/kanihook-${recipe.name}:${version}`
  await withLock(path, async () => {
    if (!existsSync(path)) await writeArchive(path, reference, recipe)
  })
  return { reference, path }
}

/** Changes with the recipe and with the size and time of every file that it copies. */
async function fingerprint(recipe: ImageRecipe): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([recipe, goArchitecture()]))
  const sources = Object.values(recipe.files).flatMap((file) =>
    'copy' in file ? [file.copy] : 'copyTarget' in file ? [file.copyTarget] : [],
  )
  for (const source of recipe.base === undefined ? sources : [recipe.base, ...sources]) {
    const inside = (await lstat(source)).isDirectory() ? await readdir(source) : []
    for (const path of [source, ...inside.toSorted().map((name) => join(source, name))]) {
      const { size, mtimeMs } = await lstat(path)
      hash.update(JSON.stringify([path, size, mtimeMs]))
    }
  }
  return hash.digest('hex').slice(0, 12)
}

async function writeArchive(path: string, reference: string, recipe: ImageRecipe): Promise<void> {
  const work = `${path}.partial` // this run's alone by the caller's lock
  try {
    await rm(work, { recursive: true, force: true })
    const root = join(work, 'root')
    await mkdir(root, { recursive: true })
    if (recipe.base !== undefined) await run('tar', ['-xf', recipe.base, '-C', root])
    for (const [place, file] of Object.entries(recipe.files)) await put(join(root, place), file)
    const layer = join(work, 'layer.tar')
    const plain = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0']
    await run('tar', [...plain, '--mode=u+rwX,go+rX', '-C', root, '-cf', layer, '.'])
    const config = {
      architecture: goArchitecture(),
      os: 'linux',
      config: recipe.config,
      rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256(layer)}`] },
    }
    const manifest = [{ Config: 'config.json', RepoTags: [reference], Layers: ['layer.tar'] }]
    await writeFile(join(work, 'config.json'), JSON.stringify(config))
    await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest))
    const members = ['manifest.json', 'config.json', 'layer.tar']
    await run('tar', ['-C', work, '-cf', join(work, 'image.tar'), ...members])
    await rename(join(work, 'image.tar'), path)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function put(target: string, file: ImageFile): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  if ('copy' in file) await run('cp', ['-a', file.copy, target])
  else if ('copyTarget' in file) await run('cp', ['-aL', file.copyTarget, target])
  else if ('text' in file) await writeFile(target, file.text)
  else if ('link' in file) await symlink(file.link, target)
  else {
    await mkdir(target, { recursive: true })
    await chmod(target, file.mode)
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
