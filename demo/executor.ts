import { existsSync } from 'node:fs'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lastLines, run } from '../test/cluster/support/command.ts'
import { goArchitecture } from '../test/cluster/support/go.ts'
import { withLock } from '../test/cluster/support/lock.ts'
import { withHeartbeat, type Progress } from '../test/cluster/support/progress.ts'
import { cacheDirectory, ensureTool, keptKaniko } from '../test/cluster/tools.ts'
import { imageFolder } from './image-folder.ts'
import { providePrograms } from './programs.ts'

/** The maintained fork, in the version that kanihook runs in a cluster unless told otherwise. */
const published = 'ghcr.io/osscontainertools/kaniko:v1.28.3'

export interface Executor {
  readonly path: string
  /** `v1.28.3` */
  readonly version: string
}

/**
 * A real Kaniko executor: the one of KANIKO_EXECUTOR, one that an earlier run kept, the one in the
 * published image, or one built from its Go module.
 */
export async function provideExecutor(progress: Progress, signal: AbortSignal): Promise<Executor> {
  const given = process.env['KANIKO_EXECUTOR']
  if (given) return await tried(given)
  const image = process.env['KANIKO_IMAGE'] || published
  const folder = `${image.replace(/[^\w.-]+/g, '_')}-${goArchitecture()}`
  const kept = join(cacheDirectory(), folder, 'executor')
  const known = existsSync(kept) ? kept : keptKaniko()
  if (known) return await tried(known)
  try {
    const fetch = () => withLock(kept, () => takeFrom(image, join(cacheDirectory(), folder)))
    await withHeartbeat(progress, `taking Kaniko's executor from ${image}, once`, fetch)
    return await tried(kept)
  } catch (error) {
    signal.throwIfAborted()
    await rm(join(cacheDirectory(), folder), { recursive: true, force: true })
    progress(`not to be had there (${cause(error)}): building it instead`)
  }
  await providePrograms(['go'], progress)
  return await tried(await ensureTool('kaniko', { onProgress: progress }))
}

/** Puts the image's `/kaniko/executor` into the folder, which is complete or absent. */
async function takeFrom(image: string, folder: string): Promise<void> {
  const partial = `${folder}.partial`
  try {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true })
    const [from, to] = [`docker://${image}`, `dir:${join(partial, 'image')}`]
    await run('skopeo', ['--insecure-policy', 'copy', '--quiet', '--retry-times', '2', from, to])
    const content = await imageFolder(join(partial, 'image')).file('kaniko/executor')
    if (!content) throw new Error(`${image} holds no /kaniko/executor`)
    await rm(join(partial, 'image'), { recursive: true })
    await writeFile(join(partial, 'executor'), content)
    await chmod(join(partial, 'executor'), 0o755)
    await rename(partial, folder)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** The innermost of the causes that skopeo lists: `no such host`, `manifest unknown`… */
function cause(error: unknown): string {
  return lastLines(String(error), 1).replace(/"$/, '').split(': ').at(-1) ?? ''
}

/** An executor that runs on this machine. */
async function tried(path: string): Promise<Executor> {
  const output = await run(path, ['version'])
  if (!output.startsWith('Kaniko version')) throw new Error(`${path} is no Kaniko executor`)
  // One that is built from its module does not know its version, but its folder is named after it.
  const version = /v\d+\.\d+\.\d+/.exec(output) ?? /v\d+\.\d+\.\d+/.exec(path)
  return { path, version: version?.[0] ?? '(of unknown version)' }
}
