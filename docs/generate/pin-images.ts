import { readFileSync, writeFileSync } from 'node:fs'
import { createRegistry } from '../../src/registry/push-access.ts'
import { imageParts } from '../../src/settings/image-reference.ts'

/** What a registry has under an image's name: `sha256:…`. Throws an Error with a sentence where it does not say. */
export type DigestOf = (reference: string) => Promise<string>

/** `kanikoImage: ghcr.io/a/kaniko:v1`, `image: …` and the like: an image with its host, by a tag alone. */
const named = /^( *(?:\w+I|i)mage: )([\w.-]+\.\w+(?::\d+)?\/[\w./-]+:[\w.-]+)$/gm

/** The chart's values with the digest of each image that they name by a tag; the tag stays, for people. */
export async function pinImages(values: string, digestOf: DigestOf): Promise<string> {
  const references = new Set([...values.matchAll(named)].map(([, , reference = '']) => reference))
  const digests = new Map(
    await Promise.all(
      [...references].map(async (reference) => [reference, await digestOf(reference)] as const),
    ),
  )
  return values.replace(
    named,
    (_, key: string, reference: string) => `${key}${reference}@${digests.get(reference)}`,
  )
}

/** Asks the image's registry, as anybody. */
export async function askRegistry(reference: string, insecure = false): Promise<string> {
  const { registry, name, tag = 'latest' } = imageParts(reference)
  const answer = await createRegistry({
    host: registry === 'docker.io' ? 'registry-1.docker.io' : registry,
    insecure,
    skipTlsVerify: false,
    login: undefined,
    timeoutMs: 30_000,
  }).digest(name, tag)
  if (answer.kind === 'digest') return answer.digest
  throw new Error(`${reference}: ${JSON.stringify(answer)}`)
}

/** `node docs/generate/pin-images.ts charts/kanihook/values.yaml`: when a release is made. */
if (import.meta.main) {
  const [path = ''] = process.argv.slice(2)
  const pinned = await pinImages(readFileSync(path, 'utf8'), (reference) => askRegistry(reference))
  writeFileSync(path, pinned)
  console.log([...pinned.matchAll(/\S+@sha256:\w+/g)].join('\n'))
}
