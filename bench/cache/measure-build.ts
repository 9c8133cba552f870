import type { TestRepository } from '../../test/e2e/support/repository.ts'
import type { World } from '../../test/e2e/support/world.ts'

interface ApiBuild {
  readonly sha: string
  readonly state: string
  readonly reason: string | null
  readonly endedAt: string
  readonly steps: readonly { readonly name: string; readonly at: string }[]
}

/** Pushes the commit and returns how long Kaniko's container took, in milliseconds. */
export async function measureBuild(
  world: World,
  repository: TestRepository,
  sha: string,
): Promise<number> {
  await repository.push('main')
  await world.ended(repository, sha)
  const { builds } = await world.kanihook.api<{ builds: readonly ApiBuild[] }>(
    `/builds?repository=${repository.path}`,
  )
  const build = builds.find((each) => each.sha === sha)
  if (build?.state !== 'succeeded') throw new Error(`cache: ${build?.reason ?? 'no such build'}`)
  const begun = build.steps.findLast(({ name }) => name === 'building')
  if (!begun) throw new Error('cache: the build has no such step')
  return Date.parse(build.endedAt) - Date.parse(begun.at)
}
