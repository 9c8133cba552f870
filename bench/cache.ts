import { createWorld, type World } from '../test/e2e/support/world.ts'
import {
  compareCaches,
  kinds,
  type CacheResult,
  type CacheRound,
  type Kind,
} from './cache/results.ts'
import { measureBuild } from './cache/measure-build.ts'
import { benchCluster, type ClusterUse } from './cluster.ts'

export interface CacheOptions extends ClusterUse {
  readonly cacheRounds: number
}

/**
 * Builds a commit, the same files again, and the files with a small change, by pushes: with the layer cache
 * off, on, and keeping the layers of COPY too, in turns. Each turn has a repository of its own, so that
 * nothing is kept from the one before.
 */
export async function benchCache(options: CacheOptions): Promise<CacheResult> {
  const { cacheRounds, signal, progress } = options
  await using stack = new AsyncDisposableStack()
  await benchCluster(options, stack)

  const world = stack.adopt(
    await createWorld({
      repositories: ({ registry, forgeHost }) =>
        kinds.map((kind) => entry(kind, registry, forgeHost)).join(''),
    }),
    (world) => world.close(),
  )
  const rounds: CacheRound[] = []
  for (let round = 1; round <= cacheRounds; round++) {
    const result: Partial<Record<Kind, CacheRound[Kind]>> = {}
    for (const kind of kinds) {
      signal.throwIfAborted()
      result[kind] = await threeBuilds(world, kind)
    }
    rounds.push(result as CacheRound)
    progress(`cache: ${round} of ${cacheRounds}`)
  }
  return compareCaches(rounds)
}

const settings: Readonly<Record<Kind, string>> = {
  off: '{ enabled: false }',
  on: '{ enabled: true }',
  copyLayers: '{ enabled: true, copyLayers: true }',
}

const entry = (kind: Kind, registry: string, forgeHost: string): string => `
  - match: "${forgeHost}/dev/cache-${kind.toLowerCase()}-*"
    images: [{ name: app, destination: "${registry}/dev/{repo}", cache: ${settings[kind]} }]
`

/** A step that takes as long and makes as much as a small installation, before what changes often. */
const dockerfile = (baseImage: string): string => `FROM ${baseImage}
COPY packages.txt /packages.txt
RUN sleep 5 && head -c 16m /dev/urandom > /installed
COPY content.txt /content.txt
RUN test -s /content.txt
`

async function threeBuilds(world: World, kind: Kind): Promise<CacheRound[Kind]> {
  const repository = await world.repository(`cache-${kind.toLowerCase()}`)
  const files = {
    Dockerfile: dockerfile(world.cluster.baseImage),
    'packages.txt': 'some\n',
    'content.txt': 'first\n',
  }
  const first = await measureBuild(world, repository, await repository.commit(files))
  await repository.git('commit', '--quiet', '--allow-empty', '--message=unchanged')
  const same = await repository.git('rev-parse', 'HEAD')
  const unchanged = await measureBuild(world, repository, same)
  const sha = await repository.commit({ 'content.txt': 'changed\n' })
  return { first, unchanged, changed: await measureBuild(world, repository, sha) }
}
