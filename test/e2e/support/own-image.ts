import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestCluster } from '../../cluster/cluster.ts'
import { nodeImage } from '../../cluster/images.ts'
import { pushArchive } from '../../cluster/registry.ts'
import { run } from '../../cluster/support/command.ts'
import { createDaemons } from '../../cluster/support/daemons.ts'
import { createProgress } from '../../cluster/support/progress.ts'
import type { GiteaStatus } from './repository.ts'
import { createWorld, runningCluster } from './world.ts'

const project = join(import.meta.dirname, '../../..')

export interface OwnImage {
  /** `host/path:tag` */
  readonly reference: string
  readonly sha: string
  /** The status that the commit of this project got. */
  readonly status: GiteaStatus
}

/**
 * The image of this working tree. The first user of kanihook is kanihook: the tree is pushed to Gitea
 * and built by its own Dockerfile, once for each cluster and state of the tree.
 */
export async function ownImage(): Promise<OwnImage> {
  const cluster = await runningCluster()
  const files = await projectFiles()
  const fingerprint = await fingerprintOf(files)
  const record = join(cluster.stateDir, `own-image-${fingerprint}.json`)
  const known = await readFile(record, 'utf8').catch(() => undefined)
  if (known !== undefined) return JSON.parse(known) as OwnImage
  const built = await build(cluster, files)
  await writeFile(record, JSON.stringify(built))
  return built
}

async function build(cluster: TestCluster, files: readonly string[]): Promise<OwnImage> {
  await mirrorBaseImage(cluster)
  const world = await createWorld({
    repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/*"
    images:
      - name: kanihook
        destination: ${registry}/kanihook/kanihook
        tags: ["{shortSha}"]
        buildArgs: { VERSION: "{shortSha}", REVISION: "{sha}" }
`,
    registries: ({ registry }) => [`{ host: docker.io, mirror: "${registry}" }`],
  })
  try {
    const repository = await world.repository('kanihook')
    const sha = await repository.commitFolder(async (folder) => {
      for (const file of files) await cp(join(project, file), join(folder, file))
    })
    await repository.push('main')
    const status = await world.ended(repository, sha, 'kanihook/kanihook', 480_000)
    assert.equal(status.status, 'success', `${status.description} (${status.target_url})`)
    const reference = `${cluster.registry.host}/kanihook/kanihook:${sha.slice(0, 12)}`
    return { reference, sha, status }
  } finally {
    await world.close()
  }
}

/** Puts what the Dockerfile starts FROM where `docker.io` is mirrored: it cannot be pulled here. */
async function mirrorBaseImage({ stateDir, registry }: TestCluster): Promise<void> {
  const dockerfile = await readFile(join(project, 'Dockerfile'), 'utf8')
  const version = /^ARG NODE_VERSION=(\S+)$/m.exec(dockerfile)?.[1]
  const archive = await nodeImage(createProgress((line) => process.stderr.write(line)))
  await pushArchive(
    createDaemons(stateDir),
    registry,
    archive,
    `library/node:${version}-trixie-slim`,
  )
}

/** What git knows of or would, as far as it is there. */
async function projectFiles(): Promise<string[]> {
  const git = async (...args: string[]): Promise<string[]> =>
    (await run('git', ['ls-files', '-z', '--deduplicate', ...args], { cwd: project }))
      .split('\0')
      .filter(Boolean)
  const gone = new Set(await git('--deleted'))
  const all = await git('--cached', '--others', '--exclude-standard')
  return all.filter((file) => !gone.has(file))
}

async function fingerprintOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(project, file)))
  return hash.digest('hex').slice(0, 16)
}
