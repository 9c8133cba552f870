import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { eventually } from '../support/eventually.ts'
import { everythingIn } from '../support/redis-contents.ts'
import type { TestRepository } from './support/repository.ts'
import { createWorld, type World } from './support/world.ts'

/** A push to the real Gitea, built by the real Kaniko in the real cluster, and what is seen of it. */

let world: World

before(async () => {
  world = await createWorld({
    repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/*"
    branches: ["**"]
    tags: ["**"]
    images:
      - name: app
        destination: ${registry}/dev/{repo}
        buildArgs: { VERSION: "{shortSha}" }
`,
  })
})
after(async () => world.close())

const dockerfile = (run = 'true'): string => `FROM ${world.cluster.baseImage}
ARG VERSION
COPY content.txt /content.txt
RUN echo "$VERSION" > /version.txt && ${run}
`

/** A build that is still running when the test wants to do something to it. */
const slow = 'sleep 6'

const tag = (repository: TestRepository, name: string): string =>
  `${world.cluster.registry.host}/${repository.path}:${name}`

interface ApiBuild {
  readonly id: string
  readonly state: string
  readonly sha: string
  readonly ref: string
}

const buildsOf = async (repository: TestRepository): Promise<ApiBuild[]> =>
  (await world.kanihook.api<{ builds: ApiBuild[] }>(`/builds?repository=${repository.path}`)).builds

const jobsOf = async (repository: TestRepository): Promise<string[]> => {
  const jobs = await world.jobs()
  return jobs
    .filter((job) => JSON.stringify(job.metadata?.annotations).includes(repository.path))
    .map((job) => job.metadata?.name ?? '')
}

const running = (repository: TestRepository, sha: string): Promise<unknown> =>
  eventually(
    async () =>
      (await buildsOf(repository)).find((build) => build.sha === sha && build.state === 'running'),
    { within: 60_000, what: `the build of ${sha} runs` },
  )

test('a git push becomes an image of exactly that commit, and statuses with its digest', async () => {
  const repository = await world.repository('push')
  await repository.commit({ Dockerfile: dockerfile(), 'content.txt': 'older' })
  const sha = await repository.commit({ 'content.txt': 'exactly this' })
  await repository.push('main')

  const end = await world.ended(repository, sha)
  assert.equal(end.status, 'success')
  const statuses = await repository.statuses(sha)
  assert.deepEqual(
    statuses.map(({ status, description }) => [status, description.split(' ')[0]]),
    [
      ['pending', 'Queued'],
      ['pending', 'Building'],
      ['success', 'Pushed'],
    ],
  )
  const digest = await world.image.digest(tag(repository, 'main'))
  assert.ok(digest)
  assert.ok(end.description.includes(digest.slice(0, 'sha256:'.length + 12)), end.description)
  assert.ok(end.description.length <= 140)
  assert.equal(await world.image.digest(tag(repository, sha.slice(0, 12))), digest)
  assert.equal(await world.image.file(tag(repository, 'main'), 'content.txt'), 'exactly this')
  assert.equal(
    await world.image.file(tag(repository, 'main'), 'version.txt'),
    `${sha.slice(0, 12)}\n`,
  )
})

test('the status links to a page that tells what was built, why, its steps and its log', async () => {
  const repository = await world.repository('page')
  const sha = await repository.commit({
    Dockerfile: dockerfile('echo said-by-the-run-step'),
    'content.txt': 'x',
  })
  await repository.push('main')
  const { target_url: link } = await world.ended(repository, sha)
  const page = await eventually(
    async () => {
      const text = await (await fetch(link)).text()
      return text.includes('said-by-the-run-step') && text
    },
    { what: 'the page shows the log' },
  )
  for (const part of [
    repository.path,
    sha.slice(0, 7),
    'delivery',
    'Cloning',
    'Building',
    'sha256:',
  ]) {
    assert.ok(page.includes(part), `the page says ${part}`)
  }
  const guessed = await fetch(link.replace(/[^/]+$/, 'A'.repeat(32)))
  assert.equal(guessed.status, 404)
})

test('a second push supersedes the first, whose pod is gone before the second starts', async () => {
  const repository = await world.repository('supersede')
  const first = await repository.commit({
    Dockerfile: dockerfile('sleep 60'),
    'content.txt': 'first',
  })
  await repository.push('main')
  await running(repository, first)
  const second = await repository.commit({ Dockerfile: dockerfile(), 'content.txt': 'second' })
  await repository.push('main')
  assert.equal((await world.ended(repository, second)).status, 'success')
  assert.equal(
    (await world.ended(repository, first)).description,
    `Superseded by ${second.slice(0, 7)}`,
  )
  assert.equal((await jobsOf(repository)).length, 1)
  assert.equal(await world.image.file(tag(repository, 'main'), 'content.txt'), 'second')
  assert.equal(await world.image.digest(tag(repository, first.slice(0, 12))), undefined)
})

test('A, then B, then A again builds A again', async () => {
  const repository = await world.repository('back')
  const a = await repository.commit({ Dockerfile: dockerfile(), 'content.txt': 'a' })
  await repository.push('main')
  await world.ended(repository, a)
  const b = await repository.commit({ 'content.txt': 'b' })
  await repository.push('main')
  await world.ended(repository, b)
  await repository.git('reset', '--quiet', '--hard', a)
  await repository.push('+main')
  await eventually(
    async () =>
      (await buildsOf(repository)).filter((build) => build.state === 'succeeded').length === 3,
    { within: 60_000, what: 'three builds have succeeded' },
  )
  assert.equal(await world.image.file(tag(repository, 'main'), 'content.txt'), 'a')
})

for (const [kind, flags] of [
  ['lightweight', []],
  ['annotated', ['--annotate', '--message', 'release']],
] as const) {
  test(`the status of ${kind === 'annotated' ? 'an annotated' : 'a lightweight'} tag is on the commit, under the tag’s own context`, async () => {
    const repository = await world.repository(kind)
    const sha = await repository.commit({ Dockerfile: dockerfile(), 'content.txt': kind })
    await repository.git('tag', ...flags, 'v1.2.3')
    await repository.push('refs/tags/v1.2.3')
    const end = await world.ended(repository, sha, 'kanihook/app (v1.2.3)')
    assert.equal(end.status, 'success')
    assert.equal(await world.image.file(tag(repository, 'v1.2.3'), 'content.txt'), kind)
  })
}

test('a worker that is killed during a build and started again ends it once, with the same Job', async () => {
  const repository = await world.repository('killed')
  const sha = await repository.commit({ Dockerfile: dockerfile(slow), 'content.txt': 'x' })
  await repository.push('main')
  await running(repository, sha)
  const jobs = await jobsOf(repository)
  await world.kanihook.kill('SIGKILL')
  await world.restart()
  assert.equal((await world.ended(repository, sha)).status, 'success')
  assert.deepEqual(await jobsOf(repository), jobs)
  const successes = (await repository.statuses(sha)).filter(({ status }) => status === 'success')
  assert.equal(successes.length, 1)
  const [build] = await buildsOf(repository)
  const { lines } = await logOf(build?.id ?? '')
  assert.equal(new Set(lines).size, lines.length, 'no line of the log is there twice')
})

test('a worker that is told to stop exits with 0 at once and leaves its build to the next', async () => {
  const repository = await world.repository('handover')
  const sha = await repository.commit({ Dockerfile: dockerfile(slow), 'content.txt': 'x' })
  await repository.push('main')
  await running(repository, sha)
  await world.kanihook.kill('SIGTERM')
  assert.equal(world.kanihook.child.exitCode, 0)
  await world.restart()
  assert.equal((await world.ended(repository, sha)).status, 'success')
  assert.equal((await jobsOf(repository)).length, 1)
})

test('a validly signed push that names a commit the ref does not point at builds nothing and says why', async () => {
  const repository = await world.repository('forged')
  const sha = await repository.commit({ Dockerfile: dockerfile(), 'content.txt': 'x' })
  await repository.push('main')
  await world.ended(repository, sha)
  const forged = 'f'.repeat(40)
  const body = Buffer.from(
    JSON.stringify({
      ref: 'refs/heads/main',
      before: sha,
      after: forged,
      repository: { id: repository.id, full_name: repository.path, default_branch: 'main' },
    }),
  )
  const delivery = giteaDelivery({ secret: world.webhookSecret, body })
  const response = await fetch(`${world.kanihook.url}/webhooks/gitea`, {
    method: 'POST',
    headers: delivery.headers,
    body,
  })
  assert.equal(response.status, 202)
  const { delivery: id } = (await response.json()) as { delivery: string }
  const decided = await eventually(
    async () => {
      const record = await world.kanihook.api<{ state: string; reason: string }>(
        `/deliveries/${id}`,
      )
      return record.state === 'ignored' && record
    },
    { within: 30_000 },
  )
  assert.match(decided.reason, /refs\/heads\/main points at .*, not at f{12}: nothing was built/)
  assert.equal((await buildsOf(repository)).length, 1)
})

test('branch names made to hurt are built, and change no command line', async () => {
  const repository = await world.repository('names')
  const sha = await repository.commit({ Dockerfile: dockerfile(), 'content.txt': 'x' })
  const names = [
    'feature/--build-arg=X',
    'a;touch${IFS}pwned',
    '$(id)',
    'b`id`',
    "o'neil&x|y",
    'ünï#code',
  ]
  for (const name of names) {
    await repository.push(`HEAD:refs/heads/${name}`)
    await eventually(
      async () => {
        const builds = await buildsOf(repository)
        return builds.find(
          (build) => build.ref === `refs/heads/${name}` && build.state === 'succeeded',
        )
      },
      { within: 60_000, what: `the branch ${name} is built` },
    )
  }
  assert.equal((await world.ended(repository, sha)).status, 'success')
})

test('no credential is in a Job, a pod, a Secret that outlives the clone, a log, Redis, or a status', async () => {
  const { gitea, registry } = world.cluster
  const repository = await world.repository('canary')
  const leak =
    'cat /kanihook/docker/config.json; find / -name config.json -path "*docker*" -exec cat {} ";"; sleep 3'
  const sha = await repository.commit({ Dockerfile: dockerfile(leak), 'content.txt': 'x' })
  await repository.push('main')
  await running(repository, sha)
  const during = JSON.stringify([await world.jobs(), await world.pods()])
  await world.ended(repository, sha)
  const redis = await everythingIn(world.redis.url)
  const log = world.kanihook.output.join('\n')
  const statuses = JSON.stringify(await repository.statuses(sha))
  assert.ok(redis.includes(repository.path), 'the dump is of this Redis')
  const login = Buffer.from(`${registry.username}:${registry.password}`).toString('base64')
  const secrets = [gitea.token, registry.password, login, world.webhookSecret]
  for (const [place, text] of Object.entries({ during, redis, log, statuses })) {
    for (const secret of secrets) {
      const encoded = Buffer.from(secret).toString('base64')
      assert.ok(!text.includes(secret) && !text.includes(encoded), `a credential is in ${place}`)
    }
  }
})

async function logOf(id: string): Promise<{ lines: string[] }> {
  const response = await fetch(`${world.kanihook.adminUrl}/api/builds/${id}/log`)
  return { lines: (await response.text()).trimEnd().split('\n') }
}
