import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { V1Pod } from '@kubernetes/client-node'
import { eventually } from '../support/eventually.ts'
import { runCommand } from '../support/run-kanihook.ts'
import { createApiServer } from '../cluster/api-server.ts'
import { processesOf } from './support/container-processes.ts'
import { createImageReader } from './support/image.ts'
import {
  adminToken,
  buildNamespace,
  install,
  namespace,
  release,
  type Installation,
} from './support/installation.ts'
import { onOwnNode } from './support/own-node.ts'
import { networkClaims } from './support/network-claims.ts'
import { sendPings } from './support/steady-pings.ts'
import type { TestRepository } from './support/repository.ts'

/** kanihook as its users run it: installed by Helm, in pods of its own image. */

interface ApiBuild {
  readonly id: string
  readonly sha: string
  readonly state: string
}

await onOwnNode('kanihook, installed by Helm', { timeout: 15 * 60_000 }, () => {
  let kanihook: Installation

  // The image may have to be built.
  before(async () => void (kanihook = await install()), { timeout: 12 * 60_000 })
  after(async () => kanihook?.close())

  const dockerfile = (run: string): string =>
    `FROM ${kanihook.cluster.baseImage}\nRUN ${run}\nCOPY content.txt /content.txt\n`

  async function push(repository: TestRepository, run = 'true'): Promise<string> {
    const sha = await repository.commit({ Dockerfile: dockerfile(run), 'content.txt': 'x' })
    await repository.push('main')
    return sha
  }

  const buildsOf = async ({ path }: TestRepository): Promise<ApiBuild[]> =>
    (await kanihook.api<{ builds: ApiBuild[] }>(`/builds?repository=${path}`)).builds

  const running = (repository: TestRepository, sha: string): Promise<unknown> =>
    eventually(
      async () =>
        (await buildsOf(repository)).some(
          (build) => build.sha === sha && build.state === 'running',
        ),
      { within: 60_000, every: 200, what: `the build of ${repository.path} runs` },
    )

  const jobsOf = async ({ path }: TestRepository): Promise<string[]> => {
    const { items } = await kanihook.batch.listNamespacedJob({ namespace: buildNamespace })
    return items
      .filter(({ metadata }) => metadata?.annotations?.['kanihook.dev/repository-path'] === path)
      .map(({ metadata }) => metadata?.name ?? '')
  }

  /** The worker that has a build in its hands: the one that tells of its steps. */
  async function holderOf(buildId: string): Promise<V1Pod> {
    for (const pod of await kanihook.pods('worker')) {
      const name = pod.metadata?.name ?? ''
      const log = await kanihook.core.readNamespacedPodLog({ name, namespace })
      const steps = log.split('\n').filter((line) => line.includes('build changed'))
      if (steps.some((line) => line.includes(buildId))) return pod
    }
    throw new Error(`no worker tells of the build ${buildId}`)
  }

  test('runs receiver, worker and Redis in a namespace that enforces Pod Security restricted', async () => {
    for (const [component, count] of [
      ['receiver', 2],
      ['worker', 2],
      ['redis', 1],
    ] as const) {
      const pods = await kanihook.pods(component)
      assert.equal(pods.length, count, component)
      for (const { status } of pods) assert.equal(status?.containerStatuses?.[0]?.ready, true)
    }
    const { metadata } = await kanihook.core.readNamespace({ name: namespace })
    assert.equal(metadata?.labels?.['pod-security.kubernetes.io/enforce'], 'restricted')
  })

  test('turns a push to Gitea into an image, a status and a page', async () => {
    const repository = await kanihook.repository('first')
    const sha = await push(repository, 'echo said-by-the-run-step')
    const end = await kanihook.ended(repository, sha)
    assert.equal(end.status, 'success', end.description)
    const image = createImageReader(kanihook.cluster.registry)
    const reference = `${kanihook.cluster.registry.host}/installed/${repository.path.split('/')[1]}:main`
    const digest = await image.digest(reference)
    assert.ok(digest && end.description.includes(digest.slice(0, 19)), end.description)
    const { pathname } = new URL(end.target_url)
    const page = await fetch(`${await kanihook.url()}${pathname}`)
    assert.match(await page.text(), /said-by-the-run-step/)
  })

  test('turns a folder that a worker is sent into an image, without a push', async () => {
    const context = await mkdtemp(join(tmpdir(), 'kanihook-folder-'))
    try {
      await writeFile(join(context, 'Dockerfile'), dockerfile('echo said-by-the-run-step'))
      await writeFile(join(context, 'content.txt'), 'of a folder')
      const [worker] = await kanihook.pods('worker')
      const { code, out, err } = await runCommand(
        ['build', '--context', context, '--image', 'shop'],
        {
          KANIHOOK_URL: `http://${worker?.status?.podIP}:9090`,
          KANIHOOK_TOKEN: adminToken,
        },
      )
      assert.equal(code, 0, `${out}\n${err}`)
      const [reference = '', digest] = out.split('\n').at(-1)?.split('@') ?? []
      assert.match(reference, /\/uploaded\/shop:[0-9a-f]{12}$/)
      const image = createImageReader(kanihook.cluster.registry)
      assert.equal(await image.digest(reference), digest)
      assert.equal(await image.file(reference, 'content.txt'), 'of a folder')
    } finally {
      await rm(context, { recursive: true })
    }
  })

  test('ends a build once, with its one Job, when the workers’ pods are deleted meanwhile', async () => {
    const repository = await kanihook.repository('deleted')
    const sha = await push(repository, 'sleep 8')
    await running(repository, sha)
    const jobs = await jobsOf(repository)
    for (const { metadata } of await kanihook.pods('worker')) {
      await kanihook.core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace })
    }
    const end = await kanihook.ended(repository, sha)
    assert.equal(end.status, 'success', end.description)
    assert.deepEqual(await jobsOf(repository), jobs)
    const successes = (await repository.statuses(sha)).filter(({ status }) => status === 'success')
    assert.equal(successes.length, 1)
  })

  test('restarts a worker that hangs, whose build the other ends meanwhile', async () => {
    const repository = await kanihook.repository('hung')
    const sha = await push(repository, 'sleep 8')
    await running(repository, sha)
    const [build] = await buildsOf(repository)
    const hung = await holderOf(build?.id ?? '')
    const container = hung.status?.containerStatuses?.[0]
    for (const pid of processesOf(container?.containerID ?? '')) process.kill(pid, 'SIGSTOP')
    const end = await kanihook.ended(repository, sha)
    assert.equal(end.status, 'success', end.description)
    assert.equal((await jobsOf(repository)).length, 1)
    await eventually(
      async () => {
        const { metadata, status } = await kanihook.core.readNamespacedPod({
          name: hung.metadata?.name ?? '',
          namespace,
        })
        const now = status?.containerStatuses?.[0]
        return metadata && now?.restartCount === 1 && now.ready
      },
      { within: 120_000, every: 1_000, what: 'the kubelet has restarted the worker' },
    )
  })

  test('refuses no webhook and loses no build during an upgrade', async () => {
    const repository = await kanihook.repository('upgraded')
    const sha = await push(repository, 'sleep 8')
    await running(repository, sha)
    const [before] = await kanihook.pods('receiver')
    const upgraded = new AbortController()
    const sender = sendPings(
      `${await kanihook.url()}/webhooks/gitea`,
      kanihook.webhookSecret,
      upgraded.signal,
    )
    await kanihook.upgrade('--set', 'settings.logLevel=debug')
    const gone = before?.metadata?.name ?? ''
    await eventually(
      async () =>
        !(await kanihook.core.listNamespacedPod({ namespace })).items.some(
          ({ metadata }) => metadata?.name === gone,
        ),
      { within: 90_000, every: 500, what: 'the old receiver is gone' },
    )
    upgraded.abort()
    const answers = await sender
    assert.ok(answers.length > 20, `${answers.length} requests`)
    assert.deepEqual(new Set(answers), new Set(['200']))
    const end = await kanihook.ended(repository, sha)
    assert.equal(end.status, 'success', end.description)
    assert.equal((await jobsOf(repository)).length, 1)
  })

  test('keeps what it accepted when its bundled Redis is started again', async () => {
    const known = (await kanihook.api<{ builds: ApiBuild[] }>('/builds')).builds.map(({ id }) => id)
    assert.ok(known.length >= 3)
    const [redis] = await kanihook.pods('redis')
    const name = redis?.metadata?.name ?? ''
    await kanihook.core.deleteNamespacedPod({ name, namespace })
    const after = await eventually(
      async () => {
        const [next] = await kanihook.pods('redis')
        const isNew = next !== undefined && next.metadata?.name !== name
        const isReady = isNew && next.status?.containerStatuses?.[0]?.ready
        return isReady && (await kanihook.api<{ builds: ApiBuild[] }>('/builds')).builds
      },
      { within: 90_000, every: 500, what: 'the API answers from the new Redis' },
    )
    assert.deepEqual(
      after.map(({ id }) => id),
      known,
    )
  })

  test('is found to be well by kanihook doctor in the worker’s pod', async () => {
    const { code, out } = await kanihook.exec('worker', ['kanihook', 'doctor', '--json'])
    const { findings } = JSON.parse(out) as {
      findings: { area: string; severity: string; message: string }[]
    }
    const bad = findings.filter(({ severity }) => severity !== 'ok')
    // This installation has no TLS in front of it, and says so.
    assert.deepEqual(
      bad.filter(({ area }) => area !== 'public-url'),
      [],
    )
    assert.ok(code === 0 || code === 1, `exit code ${code}`)
    const areas = new Set(findings.map(({ area }) => area))
    for (const area of ['redis', 'cluster', 'forge', 'registry', 'clock']) {
      assert.ok(areas.has(area), area)
    }
  })

  test('takes every one of its permissions from one Role in the build namespace', async () => {
    const { apps } = kanihook
    const { items } = await apps.listNamespacedDeployment({ namespace })
    const mounted = items
      .filter(({ spec }) => spec?.template.spec?.automountServiceAccountToken !== false)
      .map(({ metadata }) => metadata?.name)
    assert.deepEqual(mounted, [`${release}-worker`])
    const api = createApiServer(kanihook.kubeConfig)
    const bindings = await Promise.all(
      ['clusterrolebindings', 'rolebindings'].map((kind) =>
        api.list(`/apis/rbac.authorization.k8s.io/v1/${kind}`),
      ),
    )
    const ours = bindings.flat().filter((each) => {
      const { subjects = [] } = each as { subjects?: { namespace?: string; name: string }[] }
      return subjects.some((subject) => subject.namespace === namespace)
    })
    assert.deepEqual(
      ours.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      [`${buildNamespace}/${release}-worker`],
    )
  })

  networkClaims(() => kanihook)

  test('is removed by helm uninstall, and leaves nothing', async () => {
    await kanihook.uninstall()
    const api = createApiServer(kanihook.kubeConfig)
    await eventually(
      async () => (await api.call('GET', `/api/v1/namespaces/${buildNamespace}`)).status === 404,
      { within: 60_000, every: 500, what: 'the build namespace is gone' },
    )
    // What was there before: the test's own login, and what Kubernetes puts into each namespace.
    const before = ['ConfigMap kube-root-ca.crt', 'Secret registry-login', 'ServiceAccount default']
    await eventually(async () => isDeepStrictEqual(await api.everything(namespace), before), {
      within: 60_000,
      every: 500,
      what: 'the namespace holds nothing of the release',
    })
    const selector = `labelSelector=${encodeURIComponent(`app.kubernetes.io/instance=${release}`)}`
    for (const kind of ['namespaces', 'persistentvolumes']) {
      assert.deepEqual(await api.list(`/api/v1/${kind}?${selector}`), [], kind)
    }
    for (const kind of ['clusterroles', 'clusterrolebindings']) {
      const path = `/apis/rbac.authorization.k8s.io/v1/${kind}`
      assert.deepEqual(await api.list(`${path}?${selector}`), [], kind)
    }
  })
})
