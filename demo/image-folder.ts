import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

interface Manifest {
  readonly layers: readonly { readonly digest: string }[]
}

/** An image as `skopeo copy … dir:` writes it into a folder. */
export interface ImageFolder {
  /** `sha256:…` of the manifest: what the image is known by. */
  digest(): Promise<string>
  /** What a file of the image holds, or undefined where there is none. `path` has no `/` in front. */
  file(path: string): Promise<Buffer | undefined>
}

export function imageFolder(folder: string): ImageFolder {
  const manifest = () => readFile(join(folder, 'manifest.json'))
  return {
    async digest() {
      const hash = createHash('sha256').update(await manifest())
      return `sha256:${hash.digest('hex')}`
    },
    async file(path) {
      const { layers } = JSON.parse((await manifest()).toString()) as Manifest
      for (const { digest } of layers.toReversed()) {
        const found = await fromLayer(join(folder, digest.replace('sha256:', '')), path)
        if (found) return found
      }
      return undefined
    },
  }
}

/** Tools differ in how they write a path into a layer; tar finds out itself how it is compressed. */
async function fromLayer(layer: string, path: string): Promise<Buffer | undefined> {
  for (const name of [path, `./${path}`, `/${path}`]) {
    const args = ['--extract', '--to-stdout', '--absolute-names', '--file', layer, '--', name]
    const child = spawn('tar', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    const [content, [code]] = await Promise.all([buffer(child.stdout), once(child, 'close')])
    if (code === 0) return content
  }
  return undefined
}
