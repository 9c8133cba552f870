import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Registry } from '../../cluster/registry.ts'
import { run } from '../../cluster/support/command.ts'

interface Manifest {
  readonly layers: readonly { readonly digest: string }[]
}

const accept = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** What the registry has under a tag, asked by its own HTTP API. */
export function createImageReader(registry: Registry): {
  /** `sha256:…`, or undefined where there is no such tag. */
  digest(reference: string): Promise<string | undefined>
  /** A file's text as the newest layer that has it says. */
  file(reference: string, path: string): Promise<string>
} {
  const login = Buffer.from(`${registry.username}:${registry.password}`).toString('base64')
  const get = (path: string): Promise<Response> =>
    fetch(`http://${registry.host}/v2/${path}`, {
      headers: { authorization: `Basic ${login}`, accept },
    })
  const manifest = (reference: string): Promise<Response> => {
    const [, name, tag] = /^[^/]+\/(.+):([^:]+)$/.exec(reference) ?? []
    return get(`${name}/manifests/${tag}`)
  }

  return {
    async digest(reference) {
      const response = await manifest(reference)
      if (response.status === 404) return undefined
      if (!response.ok) throw new Error(`${reference}: ${response.status}`)
      return response.headers.get('docker-content-digest') ?? undefined
    },

    async file(reference, path) {
      const { layers } = (await (await manifest(reference)).json()) as Manifest
      const name = /^[^/]+\/(.+):[^:]+$/.exec(reference)?.[1] ?? ''
      const folder = await mkdtemp(join(tmpdir(), 'kanihook-layer-'))
      try {
        for (const { digest } of layers.toReversed()) {
          const layer = join(folder, 'layer.tar.gz')
          const blob = await get(`${name}/blobs/${digest}`)
          await writeFile(layer, Buffer.from(await blob.arrayBuffer()))
          const names = (await run('tar', ['-tzf', layer])).split('\n')
          if (names.includes(path)) return await run('tar', ['-xzOf', layer, path])
        }
        throw new Error(`${reference} has no ${path}`)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}
