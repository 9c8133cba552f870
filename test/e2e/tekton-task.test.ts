import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { CoreV1Api, CustomObjectsApi, KubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'
import type { TaskRunStatus } from '../../src/cluster/tekton/task-run.ts'
import { render } from '../chart/render.ts'
import { usual } from '../chart/values-table.ts'
import { dockerConfig } from '../cluster/registry.ts'
import { startTekton, type Tekton } from '../cluster/tekton.ts'
import type { TestCluster } from '../cluster/test-cluster.ts'
import { blocksOf } from '../docs/markdown.ts'
import { eventually } from '../support/eventually.ts'
import { createImageReader } from './support/image.ts'
import { createRepository, type TestRepository } from './support/repository.ts'
import { runningCluster } from './support/world.ts'

/** The chart's Task and Pipeline on a real Tekton, without a kanihook: run as the documentation says. */

let cluster: TestCluster
let tekton: Tekton
let core: CoreV1Api
let objects: CustomObjectsApi
let repository: TestRepository
let image: ReturnType<typeof createImageReader>
const unique = randomBytes(3).toString('hex')
const [pushLogin, gitLogin] = [`task-registry-${unique}`, `task-git-${unique}`]

type Kind = 'Task' | 'Pipeline' | 'TaskRun' | 'PipelineRun'
interface Run {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly params: { readonly name: string; value: unknown }[] }
  readonly status?: TaskRunStatus
}

const place = (kind: Kind) => ({
  group: 'tekton.dev',
  version: 'v1',
  namespace: cluster.namespace,
  plural: `${kind.toLowerCase()}s`,
})

before(async () => {
  cluster = await runningCluster()
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(cluster.kubeconfig)
  core = kubeConfig.makeApiClient(CoreV1Api)
  objects = kubeConfig.makeApiClient(CustomObjectsApi)
  image = createImageReader(cluster.registry)
  tekton = await startTekton(cluster)
  const { gitea, kanikoImage, cloneImage, namespace, registry } = cluster
  const rendered = await render({
    ...usual,
    tekton: { enabled: true },
    settings: { kanikoImage, cloneImage },
  })
  for (const kind of ['Task', 'Pipeline'] as const) {
    const body = rendered.one(kind, 'kanihook-build')
    await objects.createNamespacedCustomObject({ ...place(kind), body })
  }
  await core.createNamespacedSecret({
    namespace,
    body: {
      metadata: { name: pushLogin },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': dockerConfig(registry) },
    },
  })
  await core.createNamespacedSecret({
    namespace,
    body: {
      metadata: { name: gitLogin },
      type: 'kubernetes.io/basic-auth',
      stringData: { username: gitea.username, password: gitea.token },
    },
  })
  repository = await createRepository({ cluster, name: `task-${unique}` })
})
after(async () => {
  await repository?.remove()
  for (const name of [pushLogin, gitLogin]) {
    await core.deleteNamespacedSecret({ name, namespace: cluster.namespace })
  }
  await tekton.stop()
})

/** The page's example of a run, for this cluster. */
function documented(kind: 'TaskRun' | 'PipelineRun', params: Record<string, unknown> = {}): Run {
  const { text } = blocksOf('docs/tekton.md').find((block) =>
    block.text.includes(`kind: ${kind}\n`),
  )!
  const run = parse(
    text
      .replaceAll('https://github.com/acme/shop.git', `${cluster.gitea.url}/${repository.path}.git`)
      .replaceAll('registry.acme.io', cluster.registry.host)
      .replaceAll('registry-credentials', pushLogin)
      .replaceAll('git-credentials', gitLogin),
  ) as Run
  const plain = { 'kaniko-args': [`--insecure-registry=${cluster.registry.host}`] }
  for (const [name, value] of Object.entries({ ...plain, ...params })) {
    const there = run.spec.params.find((param) => param.name === name)
    if (there) there.value = value
    else run.spec.params.push({ name, value })
  }
  return run
}

/** Runs it to its end. */
async function ended(kind: 'TaskRun' | 'PipelineRun', body: Run): Promise<Run> {
  const made = (await objects.createNamespacedCustomObject({ ...place(kind), body })) as Run
  return await eventually(
    async () => {
      const name = made.metadata.name
      const run = (await objects.getNamespacedCustomObject({ ...place(kind), name })) as Run
      return run.status?.conditions?.some(({ status }) => status !== 'Unknown') && run
    },
    { within: 90_000, what: `the ${kind} ends` },
  )
}

const condition = ({ status }: Run) => status?.conditions?.[0]
const resultsOf = ({ status }: Run): Record<string, unknown> =>
  Object.fromEntries((status?.results ?? []).map(({ name, value }) => [name, value]))

const dockerfile = (): string =>
  [
    `FROM ${cluster.baseImage} AS first`,
    'ARG VERSION=none',
    // What the clone alone may see.
    'RUN echo "$VERSION" > /version.txt && test ! -e /kanihook/git',
    'FROM first AS second',
    'RUN echo second > /stage.txt',
  ].join('\n')

test('the documented TaskRun builds a branch of a private repository and pushes both tags', async () => {
  const sha = await repository.commit({ Dockerfile: dockerfile() })
  await repository.push('main')
  const run = await ended('TaskRun', documented('TaskRun'))
  assert.equal(condition(run)?.status, 'True', JSON.stringify(run.status))
  const shop = `${cluster.registry.host}/acme/shop`
  const digest = await image.digest(`${shop}:latest`)
  assert.ok(digest)
  assert.equal(await image.digest(`${shop}:main`), digest)
  assert.equal(await image.file(`${shop}:main`, 'version.txt'), '1.4.2\n')
  const { pushed, ...rest } = resultsOf(run)
  assert.deepEqual(rest, { digest, commit: sha })
  assert.deepEqual(String(pushed).trim().split('\n').toSorted(), [
    `${shop}:latest@${digest}`,
    `${shop}:main@${digest}`,
  ])
})

test('the documented PipelineRun builds the default branch, and has the Task’s results', async () => {
  const run = await ended('PipelineRun', documented('PipelineRun'))
  assert.equal(condition(run)?.status, 'True', JSON.stringify(run.status))
  const digest = await image.digest(`${cluster.registry.host}/acme/shop:pipeline`)
  assert.ok(digest)
  assert.equal(
    await image.file(`${cluster.registry.host}/acme/shop:pipeline`, 'stage.txt'),
    'second\n',
  )
})

test('an annotated tag, a stage, another Dockerfile, and values with quotes are built as they are said', async () => {
  await repository.commit({ 'docker/Other': dockerfile() })
  await repository.git('tag', '--annotate', '--message', 'release', 'v1')
  await repository.push('refs/tags/v1')
  const odd = 'a "b" \\ $(x) \'c\', --d'
  const destination = `${cluster.registry.host}/acme/shop:tagged`
  const run = await ended(
    'TaskRun',
    documented('TaskRun', {
      revision: 'v1',
      destinations: [destination],
      dockerfile: 'docker/Other',
      target: 'first',
      'build-args': [`VERSION=${odd}`],
    }),
  )
  assert.equal(condition(run)?.status, 'True', JSON.stringify(run.status))
  assert.equal(await image.file(destination, 'version.txt'), `${odd}\n`)
  await assert.rejects(image.file(destination, 'stage.txt'), /has no stage\.txt/)
  assert.equal(resultsOf(run)['commit'], await repository.git('rev-parse', 'HEAD'))
})

for (const [what, params] of Object.entries({
  'a revision that is not there': { revision: '--upload-pack=id' },
  'a path out of the repository': { dockerfile: '../../etc/passwd' },
  'a URL that holds a login': { url: 'http://user:pass@127.0.0.1/a/b.git' },
})) {
  test(`${what} fails the clone, and nothing is built`, async () => {
    const run = await ended('TaskRun', documented('TaskRun', params))
    assert.match(condition(run)?.message ?? '', /"step-clone" exited with code 1/)
  })
}
