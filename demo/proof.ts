import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../test/cluster/support/command.ts'
import { dockerConfig, type Registry } from '../test/cluster/registry.ts'
import type { ForgeStatus } from './forge/forge.ts'
import { imageFolder } from './image-folder.ts'
import { copiedFile, madeFile, type Sample } from './sample.ts'

export interface Claim {
  readonly sha: string
  /** `registry/repository:tag` and `sha256:…`, as kanihook recorded them. */
  readonly destination: string
  readonly digest: string
  readonly status: ForgeStatus
}

export interface Finding {
  readonly holds: boolean
  readonly text: string
}

/** Pulls the image back from the registry and compares it with the status and with the commit. */
export async function prove(
  { sha, destination, digest, status }: Claim,
  { folder, registry, sample }: { folder: string; registry: Registry; sample: Sample },
): Promise<readonly Finding[]> {
  const work = await mkdtemp(join(folder, 'pulled-'))
  try {
    const authFile = join(work, 'login.json')
    await writeFile(authFile, dockerConfig(registry), { mode: 0o600 })
    const access = ['--src-tls-verify=false', '--src-authfile', authFile]
    const [from, to] = [`docker://${destination}`, `dir:${join(work, 'image')}`]
    await run('skopeo', ['--insecure-policy', 'copy', '--quiet', ...access, from, to])
    const image = imageFolder(join(work, 'image'))
    const pulled = await image.digest()
    const [copied, made] = await Promise.all([image.file(copiedFile), image.file(madeFile)])
    const committed = await sample.read(sha, copiedFile)
    const commit = sha.slice(0, 7)
    const digests = [
      { holds: pulled === digest, text: `pulled ${destination}: ${pulled}, as kanihook said` },
      {
        holds: status.status === 'success' && status.description.includes(pulled.slice(0, 19)),
        text: `the status on commit ${commit} is success and names this digest`,
      },
    ]
    // Another Dockerfile makes another image: of that, nothing is known here.
    if (!(await sample.hasOwnDockerfile(sha))) return digests
    return [
      ...digests,
      {
        holds: committed !== undefined && copied?.toString() === committed,
        text: `/${copiedFile} in the image is ${copiedFile} of commit ${commit}: ${quote(copied)}`,
      },
      {
        holds: committed !== undefined && made?.toString() === upperCase(committed),
        text: `/${madeFile} in the image is what the RUN step made of it: ${quote(made)}`,
      },
    ]
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** As `tr a-z A-Z` does it. */
const upperCase = (text: string): string => text.replace(/[a-z]/g, (letter) => letter.toUpperCase())

const quote = (content: Buffer | undefined): string =>
  content ? JSON.stringify(content.toString().trim()) : 'it is not there'
