import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { eventually } from '../support/eventually.ts'
import type { TestRepository } from './support/repository.ts'
import { createWorld, type World } from './support/world.ts'

/** What nobody told of, and what was forgotten: pushes to the real Gitea, and builds in the real cluster. */

let world: World

before(async () => {
  world = await createWorld({
    repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/*"
    branches: ["**"]
    images: [{ name: app, destination: "${registry}/dev/{repo}" }]
`,
    settings: () => ({ SWEEP_INTERVAL: '2s' }),
  })
})
after(async () => world.close())

const dockerfile = (run: string): string => `FROM ${world.cluster.baseImage}\nRUN ${run}\n`

const jobsOf = async (repository: TestRepository): Promise<string[]> =>
  (await world.jobs())
    .filter((job) => JSON.stringify(job.metadata?.annotations).includes(repository.path))
    .map((job) => job.metadata?.name ?? '')

interface ApiBuild {
  readonly sha: string
  readonly state: string
}

const buildsOf = async (repository: TestRepository): Promise<ApiBuild[]> =>
  (await world.kanihook.api<{ builds: ApiBuild[] }>(`/builds?repository=${repository.path}`)).builds

async function tell(repository: TestRepository, after: string): Promise<void> {
  const { id, path } = repository
  const event = {
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after,
    repository: { id, full_name: path, default_branch: 'main' },
  }
  const body = Buffer.from(JSON.stringify(event))
  const { headers } = giteaDelivery({ secret: world.webhookSecret, body })
  const url = `${world.kanihook.url}/webhooks/gitea`
  assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 202)
}

test('a git push of which no webhook tells is built, and a webhook that comes late builds nothing more', async () => {
  const repository = await world.repository('missed', { hook: false })
  const first = await repository.commit({ Dockerfile: dockerfile('true') })
  await repository.push('main')
  await tell(repository, first)
  await world.ended(repository, first)

  const missed = await repository.commit({ Dockerfile: dockerfile('echo missed') })
  await repository.push('main')
  const end = await world.ended(repository, missed)
  assert.equal(end.status, 'success')
  assert.match(end.description, /; found by the sweep$/)
  const jobs = await jobsOf(repository)
  await tell(repository, missed)
  await eventually(
    () => world.kanihook.log.filter(({ msg }) => msg === 'delivery planned').length >= 3,
    { what: 'the late delivery is planned' },
  )
  assert.deepEqual(await jobsOf(repository), jobs)
})

test('a build that runs while Redis is emptied is adopted, and its status ends', async () => {
  const repository = await world.repository('emptied')
  const sha = await repository.commit({ Dockerfile: dockerfile('sleep 12') })
  await repository.push('main')
  await eventually(
    async () => (await buildsOf(repository)).some(({ state }) => state === 'running'),
    { within: 60_000, what: 'the build runs' },
  )
  const jobs = await jobsOf(repository)
  const redis = new Redis(world.redis.url)
  await redis.flushall()
  redis.disconnect()
  assert.equal((await world.ended(repository, sha)).status, 'success')
  assert.deepEqual(await jobsOf(repository), jobs)
  const builds = await buildsOf(repository)
  assert.deepEqual(
    builds.map((build) => [build.sha, build.state]),
    [[sha, 'succeeded']],
  )
})
