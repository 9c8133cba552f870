import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeImage } from '../../cluster/images.ts'
import { pushArchive } from '../../cluster/registry.ts'
import { run } from '../../cluster/support/command.ts'
import { createDaemons } from '../../cluster/support/daemons.ts'
import { createProgress } from '../../cluster/support/progress.ts'
import { createWorld, type World } from './world.ts'
import type { GiteaStatus } from './repository.ts'

const project = join(import.meta.dirname, '../../..')

export interface OwnImage {
  /** `host/path:tag` */
  readonly reference: string
  readonly tag: string
  readonly sha: string
  /** The status that the commit of this project got. */
  readonly status: GiteaStatus
}

/** The first user of kanihook is kanihook: its own tree is pushed to Gitea, and built by its own Dockerfile. */
export async function buildOwnImage(): Promise<OwnImage> {
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
    await mirrorBaseImage(world)
    const repository = await world.repository('kanihook')
    const sha = await repository.commitFolder((folder) => copyProject(folder))
    await repository.push('main')
    const status = await world.ended(repository, sha, 'kanihook/kanihook')
    const tag = sha.slice(0, 12)
    return {
      reference: `${world.cluster.registry.host}/kanihook/kanihook:${tag}`,
      tag,
      sha,
      status,
    }
  } finally {
    await world.close()
  }
}

/** Puts what the Dockerfile starts FROM where `docker.io` is mirrored: it cannot be pulled here. */
async function mirrorBaseImage({ cluster }: World): Promise<void> {
  const dockerfile = await readFile(join(project, 'Dockerfile'), 'utf8')
  const version = /^ARG NODE_VERSION=(\S+)$/m.exec(dockerfile)?.[1]
  const name = `library/node:${version}-trixie-slim`
  const archive = await nodeImage(createProgress((line) => process.stderr.write(line)))
  await pushArchive(createDaemons(cluster.stateDir), cluster.registry, archive, name)
}

/** What git knows of, as it lies in the working tree. */
async function copyProject(target: string): Promise<void> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const files = (await run('git', list, { cwd: project })).split('\0').filter(Boolean)
  const gone = new Set(
    (await run('git', ['ls-files', '-z', '--deleted'], { cwd: project })).split('\0'),
  )
  for (const file of files) {
    if (!gone.has(file)) await cp(join(project, file), join(target, file))
  }
}
