import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Registry } from '../../cluster/registry.ts'
import { run } from '../../cluster/support/command.ts'

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string; readonly size: number }[]
}

/** What an image says of how it is run. */
export interface ImageConfig {
  readonly User?: string
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Healthcheck?: object
  readonly Labels?: Readonly<Record<string, string>>
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
  config(reference: string): Promise<ImageConfig>
  /** All that the registry has about an image but its layers: the manifest and the whole configuration, as text. */
  description(reference: string): Promise<string>
  /** The same image under another tag with the media types of OCI, which some of Kaniko's options ask for. */
  asOci(reference: string): Promise<string>
  /** Every entry of every layer as `tar -tv` lists it, and the size of all layers, compressed, in bytes. */
  contents(reference: string): Promise<{ entries: string[]; bytes: number }>
} {
  const login = Buffer.from(`${registry.username}:${registry.password}`).toString('base64')
  const get = (path: string): Promise<Response> =>
    fetch(`http://${registry.host}/v2/${path}`, {
      headers: { authorization: `Basic ${login}`, accept },
    })
  const nameOf = (reference: string): string => /^[^/]+\/(.+):[^:]+$/.exec(reference)?.[1] ?? ''
  const manifest = (reference: string): Promise<Response> =>
    get(`${nameOf(reference)}/manifests/${reference.slice(reference.lastIndexOf(':') + 1)}`)

  /** The path of each layer in turn, newest first; it is there until the next. */
  async function* layers(reference: string): AsyncGenerator<string> {
    const { layers } = (await (await manifest(reference)).json()) as Manifest
    const folder = await mkdtemp(join(tmpdir(), 'kanihook-layer-'))
    try {
      for (const { digest } of layers.toReversed()) {
        const path = join(folder, 'layer.tar.gz')
        const blob = await get(`${nameOf(reference)}/blobs/${digest}`)
        await writeFile(path, Buffer.from(await blob.arrayBuffer()))
        yield path
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  return {
    async digest(reference) {
      const response = await manifest(reference)
      if (response.status === 404) return undefined
      if (!response.ok) throw new Error(`${reference}: ${response.status}`)
      return response.headers.get('docker-content-digest') ?? undefined
    },

    async file(reference, path) {
      for await (const layer of layers(reference)) {
        const names = (await run('tar', ['-tzf', layer])).split('\n')
        if (names.includes(path)) return await run('tar', ['-xzOf', layer, path])
      }
      throw new Error(`${reference} has no ${path}`)
    },

    async config(reference) {
      const { config } = (await (await manifest(reference)).json()) as Manifest
      const blob = await get(`${nameOf(reference)}/blobs/${config.digest}`)
      return ((await blob.json()) as { config: ImageConfig }).config
    },

    async description(reference) {
      const text = await (await manifest(reference)).text()
      const { config } = JSON.parse(text) as Manifest
      const blob = await get(`${nameOf(reference)}/blobs/${config.digest}`)
      return `${text}\n${await blob.text()}`
    },

    async asOci(reference) {
      const { config, layers: own } = (await (await manifest(reference)).json()) as Manifest
      const oci = 'application/vnd.oci.image'
      const body = {
        schemaVersion: 2,
        mediaType: `${oci}.manifest.v1+json`,
        config: { ...config, mediaType: `${oci}.config.v1+json` },
        layers: own.map((layer) => ({ ...layer, mediaType: `${oci}.layer.v1.tar+gzip` })),
      }
      const tag = 'oci'
      const response = await fetch(
        `http://${registry.host}/v2/${nameOf(reference)}/manifests/${tag}`,
        {
          method: 'PUT',
          headers: { authorization: `Basic ${login}`, 'content-type': body.mediaType },
          body: JSON.stringify(body),
        },
      )
      if (!response.ok) throw new Error(`${reference} as OCI: ${response.status}`)
      return `${registry.host}/${nameOf(reference)}:${tag}`
    },

    async contents(reference) {
      const entries: string[] = []
      for await (const layer of layers(reference)) {
        entries.push(...(await run('tar', ['-tvzf', layer])).split('\n').filter(Boolean))
      }
      const { layers: sizes } = (await (await manifest(reference)).json()) as Manifest
      return { entries, bytes: sizes.reduce((sum, { size }) => sum + size, 0) }
    },
  }
}
