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

interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

const platformName = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')

interface IndexManifest {
  readonly mediaType: string
  readonly manifests: readonly { readonly digest: string; readonly platform: Platform }[]
}

const indexType = 'application/vnd.oci.image.index.v1+json'

const accept = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** An image of several platforms, as an OCI index. */
export interface ImageIndex {
  readonly digest: string
  readonly mediaType: string
  readonly images: readonly {
    readonly digest: string
    /** As the index says, and as the image itself does: `linux/arm64`. */
    readonly platform: string
    readonly configured: string
  }[]
}

/** What the registry has under a tag, asked by its own HTTP API. */
export function createImageReader(registry: Registry): {
  /** `sha256:…`, or undefined where there is no such tag. */
  digest(reference: string): Promise<string | undefined>
  /** Undefined where there is no such tag. */
  index(reference: string): Promise<ImageIndex | undefined>
  /** Every tag of `registry/repository`. */
  tags(repository: string): Promise<string[]>
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
  const get = (path: string, accepted = accept): Promise<Response> =>
    fetch(`http://${registry.host}/v2/${path}`, {
      headers: { authorization: `Basic ${login}`, accept: accepted },
    })
  const nameOf = (reference: string): string =>
    /^[^/]+\/(.+?)(?:@sha256)?:[^:]+$/.exec(reference)?.[1] ?? ''
  /** By tag or by digest. */
  const manifest = (reference: string, accepted?: string): Promise<Response> => {
    const [, by = reference.slice(reference.lastIndexOf(':') + 1)] = reference.split('@')
    return get(`${nameOf(reference)}/manifests/${by}`, accepted)
  }

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

    async index(reference) {
      const response = await manifest(reference, indexType)
      if (response.status === 404) return undefined
      const { mediaType, manifests } = (await response.json()) as IndexManifest
      const images = manifests.map(async ({ digest, platform }) => {
        const repository = reference.slice(0, reference.lastIndexOf(':'))
        const { config } = (await (await manifest(`${repository}@${digest}`)).json()) as Manifest
        const blob = await get(`${nameOf(reference)}/blobs/${config.digest}`)
        return {
          digest,
          platform: platformName(platform),
          configured: platformName((await blob.json()) as Platform),
        }
      })
      const digest = response.headers.get('docker-content-digest') ?? ''
      return { digest, mediaType, images: await Promise.all(images) }
    },

    async tags(repository) {
      const response = await get(`${repository.slice(repository.indexOf('/') + 1)}/tags/list`)
      if (response.status === 404) return []
      return ((await response.json()) as { tags: string[] | null }).tags ?? []
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
