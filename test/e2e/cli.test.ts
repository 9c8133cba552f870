import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  type V1Job,
  type V1Secret,
} from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import { createApiServer } from '../cluster/api-server.ts'
import { eventually } from '../support/eventually.ts'
import { runCommand, startCommand } from '../support/run-kanihook.ts'
import type { TestRepository } from './support/repository.ts'
import { createWorld, type World } from './support/world.ts'

/** The operator's commands on the real cluster, Gitea and registry, with the real Kaniko. */

let world: World
/** What a person has who asks. */
let client: Readonly<Record<string, string>>
/** Names of the objects that a test made by hand. */
const made: string[] = []

before(async () => {
  world = await createWorld({
    repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/*"
    branches: ["**"]
    images: [{ name: app, destination: "${registry}/dev/{repo}" }]
`,
  })
  client = { KANIHOOK_URL: world.kanihook.adminUrl }
})
after(async () => {
  const { core, batch, namespace } = apis()
  for (const name of made) {
    await batch
      .deleteNamespacedJob({ name, namespace, propagationPolicy: 'Foreground' })
      .catch(() => undefined)
    await core.deleteNamespacedSecret({ name, namespace }).catch(() => undefined)
  }
  await world?.close()
})

function apis() {
  const { kubeconfig, namespace } = world.cluster
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const [core, batch] = [config.makeApiClient(CoreV1Api), config.makeApiClient(BatchV1Api)]
  return { core, batch, namespace }
}

const dockerfile = (run: string): string => `FROM ${world.cluster.baseImage}
COPY content.txt /content.txt
RUN ${run}
`

/** Pushes this Dockerfile and returns its commit and its build's id, as `kanihook builds` tells it. */
async function push(repository: TestRepository, run: string): Promise<{ sha: string; id: string }> {
  const sha = await repository.commit({ Dockerfile: dockerfile(run), 'content.txt': 'by hand' })
  await repository.push('main')
  const id = await eventually(async () => {
    const { out } = await runCommand(['builds', '-r', repository.path, '--json'], client)
    const { builds } = JSON.parse(out) as { builds: { id: string; sha: string }[] }
    return builds.find((build) => build.sha === sha)?.id
  })
  return { sha, id }
}

test('logs -f shows what Kaniko says while it builds, and ends with the build', async () => {
  const repository = await world.repository('follow')
  const { id } = await push(repository, 'echo the-first-word && sleep 4 && echo the-last-word')
  const command = startCommand(['logs', '-f', id.slice(0, 10)], client)
  await eventually(() => command.out.some((line) => /^build .*the-first-word$/.test(line)), {
    within: 60_000,
  })
  const { out } = await runCommand(['builds', '-s', 'running', '-r', repository.path], client)
  assert.match(out, new RegExp(`^${id}  running  app `, 'm'))
  assert.equal(await command.ended, 0)
  assert.ok(command.out.some((line) => line.startsWith('clone Cloning ')))
  assert.ok(command.out.some((line) => /^build .*the-last-word$/.test(line)))
  assert.match(command.err.at(-1) ?? '', /: succeeded: Pushed .*\(sha256:[0-9a-f]{64}\)$/)
})

test('rebuild --verbosity debug has Kaniko tell more', async () => {
  const repository = await world.repository('loud')
  const { id, sha } = await push(repository, 'true')
  const first = await runCommand(['logs', '-f', id], client)
  assert.equal(first.code, 0, first.err)
  const debug = /^build (debug: |DEBU)/m
  assert.doesNotMatch(first.out, debug)
  const again = await runCommand(['rebuild', id, '--verbosity', 'debug', '--follow'], client)
  assert.equal(again.code, 0, again.err)
  assert.match(again.out, debug)
  assert.match(again.out, new RegExp(`^clone .*${sha}`, 'm'))
})

test('cancel ends a build, its pod, and who follows it', async () => {
  const repository = await world.repository('cancel')
  const { id, sha } = await push(repository, 'sleep 120')
  const following = startCommand(['logs', '-f', id], client)
  await eventually(() => following.out.some((line) => line.startsWith('build ')), {
    within: 60_000,
  })
  const cancelled = await runCommand(['cancel', id], client)
  assert.equal(cancelled.code, 0, cancelled.err)
  assert.equal(await following.ended, 1)
  assert.match(following.err.at(-1) ?? '', /: cancelled: Cancelled by an operator$/)
  assert.equal((await world.ended(repository, sha)).description, 'Cancelled by an operator')
  const pods = await world.pods()
  assert.deepEqual(
    pods.filter(({ metadata }) => metadata?.labels?.['kanihook.dev/build'] === id),
    [],
  )
})

const plan = (repository: TestRepository): ReturnType<typeof runCommand> =>
  runCommand(['plan', `${world.forgeHost}/${repository.path}`, 'main', '-o', 'yaml'], {
    ...world.settings,
    REDIS_URL: 'redis://127.0.0.1:1',
    KUBECONFIG: '/nowhere',
  })

/** Waits for the image that objects made by hand push. */
const pushed = (repository: TestRepository): Promise<string> =>
  eventually(() => world.image.digest(`${world.cluster.registry.host}/${repository.path}:main`), {
    within: 120_000,
    every: 200,
    what: 'the image is there',
  })

/** What is made is remembered, to be removed. */
function objectsOf(yaml: string): { secret: V1Secret; job: V1Job } {
  const [secret, job] = parseAllDocuments(yaml).map((document) => document.toJS() as object)
  made.push((job as V1Job).metadata?.name ?? '')
  return { secret: secret as V1Secret, job: job as V1Job }
}

/** As `kubectl create` does, unknown fields refused. */
async function create({ secret, job }: { secret: V1Secret; job: V1Job }): Promise<void> {
  const { kubeconfig, namespace } = world.cluster
  const api = createApiServer(kubeconfig)
  const strict = '?fieldValidation=Strict'
  const made = await api.call('POST', `/api/v1/namespaces/${namespace}/secrets${strict}`, secret)
  assert.equal(made.status, 201, made.message)
  const begun = await api.call('POST', `/apis/batch/v1/namespaces/${namespace}/jobs${strict}`, job)
  assert.equal(begun.status, 201, begun.message)
}

test('plan -o yaml, created as it is, builds and pushes the image of a public repository', async () => {
  const repository = await world.repository('public', { hook: false, public: true })
  await repository.commit({ Dockerfile: dockerfile('true'), 'content.txt': 'by hand' })
  await repository.push('main')
  const { code, out, err } = await plan(repository)
  assert.equal(code, 0, err)
  await create(objectsOf(out))
  await pushed(repository)
  const image = `${world.cluster.registry.host}/${repository.path}:main`
  assert.equal(await world.image.file(image, 'content.txt'), 'by hand')
})

test('plan -o yaml with the token filled in builds a private repository', async () => {
  const repository = await world.repository('private', { hook: false })
  await repository.commit({ Dockerfile: dockerfile('true'), 'content.txt': 'by hand' })
  await repository.push('main')
  const { secret, job } = objectsOf((await plan(repository)).out)
  secret.stringData = { ...secret.stringData, GIT_PASSWORD: world.cluster.gitea.token }
  await create({ secret, job })
  await pushed(repository)
})
