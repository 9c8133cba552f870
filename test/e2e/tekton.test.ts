import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CustomObjectsApi, KubeConfig } from '@kubernetes/client-node'
import type { TaskRun } from '../../src/cluster/tekton/task-run.ts'
import { createKubernetesCluster } from '../../src/cluster/kubernetes-cluster.ts'
import { PermanentError } from '../../src/errors.ts'
import { allowTaskRuns } from '../cluster/access.ts'
import { startTekton, type Tekton } from '../cluster/tekton.ts'
import { clusterContract, realCluster } from '../contracts/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { everythingIn } from '../support/redis-contents.ts'
import { documentedEntries } from './support/documented.ts'
import type { TestRepository } from './support/repository.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'

/** Builds as TaskRuns of a real Tekton, which is there for as long as these tests run. */

describe('where there is no Tekton', () => {
  test('a build with backend: tekton says so', async () => {
    const cluster = await runningCluster()
    const forbid = await allowTaskRuns(cluster.kubeconfig)
    const under = await realCluster(cluster)
    try {
      const tekton = createKubernetesCluster({ ...under, registries: () => [], backend: 'tekton' })
      await assert.rejects(tekton.start(await under.request('succeeds')), (error) => {
        return (
          error instanceof PermanentError && error.message.startsWith('The cluster has no Tekton')
        )
      })
    } finally {
      await under.close()
      await forbid()
    }
  })
})

describe('where there is Tekton', () => {
  let tekton: Tekton

  before(async () => {
    tekton = await startTekton(await runningCluster())
  })
  after(async () => tekton.stop())

  clusterContract('the real cluster, with TaskRuns', async () => ({
    ...(await realCluster(await runningCluster())),
    backend: 'tekton',
  }))

  describe('a push, with backend: tekton', () => {
    let world: World
    let objects: CustomObjectsApi

    before(async () => {
      world = await createWorld({
        repositories: ({ registry, forgeHost }) => {
          const image = (extra: string) => `
    images: [{ name: app, backend: tekton, destination: "${registry}/dev/{repo}", ${extra} }]`
          return `${documentedEntries('docs/tekton.md', 'Let kanihook make TaskRuns', { registry, forgeHost })}
  - match: "${forgeHost}/dev/no-login-*"${image('pushSecret: not-there, startTimeout: 15s')}
  - match: "${forgeHost}/dev/memory-*"${image('resources: { limits: { memory: 150Mi } }')}
  - match: "${forgeHost}/dev/timeout-*"${image('timeout: 4s')}
  - match: "${forgeHost}/dev/account-*"${image('serviceAccountName: nobody')}
  - match: "${forgeHost}/dev/unschedulable-*"${image('startTimeout: 3s, resources: { requests: { cpu: "500" } }')}
  - match: "${forgeHost}/dev/*"
    branches: ["**"]${image('tags: ["{branch}"], buildArgs: { VERSION: "{shortSha}" }')}
`
        },
      })
      const kubeConfig = new KubeConfig()
      kubeConfig.loadFromFile(world.cluster.kubeconfig)
      objects = kubeConfig.makeApiClient(CustomObjectsApi)
    })
    after(async () => world.close())

    const place = () => ({
      group: 'tekton.dev',
      version: 'v1',
      plural: 'taskruns',
      namespace: world.cluster.namespace,
    })
    const runsOf = async (repository: TestRepository): Promise<TaskRun[]> => {
      const { items } = (await objects.listNamespacedCustomObject(place())) as { items: TaskRun[] }
      return items.filter(
        ({ metadata }) =>
          metadata.annotations?.['kanihook.dev/repository-path'] === repository.path,
      )
    }
    const tag = (repository: TestRepository, name: string): string =>
      `${world.cluster.registry.host}/${repository.path}:${name}`
    const dockerfile = (run = 'true'): string =>
      `FROM ${world.cluster.baseImage}\nARG VERSION\nRUN echo "$VERSION" > /version.txt && ${run}\n`
    const pushed = async (name: string, text: string | undefined) => {
      const repository = await world.repository(name)
      const files = text === undefined ? { 'content.txt': 'x' } : { Dockerfile: text }
      const sha = await repository.commit(files)
      await repository.push('main')
      return { repository, sha }
    }
    const running = (repository: TestRepository): Promise<unknown> =>
      eventually(
        async () => {
          const { builds } = await world.kanihook.api<{ builds: { state: string }[] }>(
            `/builds?repository=${repository.path}`,
          )
          return builds.some(({ state }) => state === 'running')
        },
        { within: 60_000, what: `the build of ${repository.path} runs` },
      )

    test('becomes an image by the documented entry, without a Job', async () => {
      const { repository, sha } = await pushed('shop', dockerfile('echo said-by-the-run-step'))
      const end = await world.ended(repository, sha, 'kanihook/shop')
      assert.equal(end.status, 'success', end.description)
      const { registry } = world.cluster
      const digest = await world.image.digest(`${registry.host}/acme/shop:main`)
      assert.ok(digest && end.description.includes(digest.slice(0, 'sha256:'.length + 12)))
      const short = `${registry.host}/acme/shop:${sha.slice(0, 12)}`
      assert.equal(await world.image.digest(short), digest)
      const records = await everythingIn(world.redis.url)
      assert.match(records, /context\W+bytes\W+\d+\W+files\W+1\b/, 'the clone told of the context')
      const [run, ...more] = await runsOf(repository)
      assert.ok(run)
      assert.deepEqual(more, [])
      const jobs = JSON.stringify(await world.jobs())
      assert.ok(!jobs.includes(repository.path))
      const page = await eventually(
        async () => {
          const text = await (await fetch(end.target_url)).text()
          return text.includes('said-by-the-run-step') && text
        },
        { what: 'the page shows the log' },
      )
      assert.ok(page.includes('Cloning'))
    })

    const failures = [
      {
        name: 'run',
        text: () => dockerfile('echo first && echo the last words && exit 3'),
        state: 'failure',
        says: /RUN.* failed with exit code 3: .*first \/ the last words$/,
      },
      {
        name: 'no-dockerfile',
        text: () => undefined,
        state: 'failure',
        says: /^Dockerfile not found: Dockerfile$/,
      },
      {
        name: 'workspace',
        text: () => dockerfile('mkdir /workspace/out'),
        state: 'failure',
        says: /^The Dockerfile uses \/workspace, which is Tekton’s/,
      },
      {
        name: 'no-login',
        text: () => dockerfile(),
        state: 'error',
        says: /^Not started within 15s: FailedMount: .*secret "not-there" not found/,
      },
      {
        name: 'memory',
        text: () => dockerfile('head -c 400m /dev/zero | tail -c 300m > /dev/null'),
        state: 'failure',
        says: /^Out of memory \(limit 150Mi\): raise resources\.limits\.memory$/,
      },
      {
        name: 'timeout',
        text: () => dockerfile('sleep 60'),
        state: 'failure',
        says: /^Timed out after 4s/,
      },
      {
        name: 'account',
        text: () => dockerfile(),
        state: 'error',
        says: /^There is no ServiceAccount nobody in the build namespace/,
      },
      {
        name: 'unschedulable',
        text: () => dockerfile(),
        state: 'error',
        says: /^Not started within 3s: Unschedulable: .*Insufficient cpu/,
      },
    ] as const

    for (const { name, text, state, says } of failures) {
      test(`that fails says why: ${name}`, async () => {
        const { repository, sha } = await pushed(name, text())
        const end = await world.ended(repository, sha)
        assert.match(end.description, says)
        assert.equal(end.status, state)
      })
    }

    test('is cancelled with its pod, and pushes nothing', async () => {
      const { repository, sha } = await pushed('cancelled', dockerfile('sleep 60'))
      await running(repository)
      const { builds } = await world.kanihook.api<{ builds: { id: string }[] }>(
        `/builds?repository=${repository.path}`,
      )
      const url = `${world.kanihook.adminUrl}/api/builds/${builds[0]?.id}/cancel`
      assert.ok((await fetch(url, { method: 'POST' })).ok)
      const end = await world.ended(repository, sha)
      assert.match(end.description, /^Cancelled by /)
      assert.deepEqual(await runsOf(repository), [])
      assert.equal(await world.image.digest(tag(repository, 'main')), undefined)
    })

    test('ends as an error when somebody cancels the TaskRun, without another try', async () => {
      const { repository, sha } = await pushed('tkn', dockerfile('sleep 60'))
      await running(repository)
      const [run] = await runsOf(repository)
      const name = run?.metadata.name ?? ''
      await objects.patchNamespacedCustomObject({
        ...place(),
        name,
        body: [{ op: 'add', path: '/spec/status', value: 'TaskRunCancelled' }],
      })
      const end = await world.ended(repository, sha)
      assert.equal(end.description, 'The TaskRun was cancelled in the cluster')
      const after = await runsOf(repository)
      assert.ok(after.every(({ metadata }) => metadata.name === name))
    })

    test('is followed on by a worker that was killed meanwhile, in the same TaskRun', async () => {
      const { repository, sha } = await pushed('killed', dockerfile('sleep 6'))
      await running(repository)
      const [run] = await runsOf(repository)
      await world.kanihook.kill('SIGKILL')
      await world.restart()
      assert.equal((await world.ended(repository, sha)).status, 'success')
      const after = await runsOf(repository)
      assert.deepEqual(
        after.map(({ metadata }) => metadata.uid),
        [run?.metadata.uid],
      )
    })

    test('to a branch that is called like a variable of Tekton’s builds that branch', async () => {
      const repository = await world.repository('names')
      await repository.commit({ Dockerfile: dockerfile() })
      for (const name of ['$(context.taskRun.name)', '$(params.x)', '$(GIT_PASSWORD)']) {
        await repository.push(`HEAD:refs/heads/${name}`)
        await eventually(
          async () => {
            const { builds } = await world.kanihook.api<{
              builds: { ref: string; state: string }[]
            }>(`/builds?repository=${repository.path}`)
            return builds.some(
              (each) => each.ref === `refs/heads/${name}` && each.state === 'succeeded',
            )
          },
          { within: 60_000, what: `the branch ${name} is built` },
        )
      }
    })
  })
})
