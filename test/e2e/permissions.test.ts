import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  RbacAuthorizationV1Api,
} from '@kubernetes/client-node'
import { jobName, type BackendName } from '../../src/builds/build.ts'
import type { JobObservation, JobRequest } from '../../src/builds/ports.ts'
import {
  createKubernetesCluster,
  type KubernetesCluster,
} from '../../src/cluster/kubernetes-cluster.ts'
import { permissions, tektonPermissions } from '../../src/cluster/permissions.ts'
import { createSecretValues } from '../../src/cluster/secret-values.ts'
import { tidyTaskRuns } from '../../src/cluster/tekton/tidy.ts'
import { createApiServer } from '../cluster/api-server.ts'
import { startTekton, type Tekton } from '../cluster/tekton.ts'
import { realCluster, type ClusterUnderTest } from '../contracts/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { runningCluster } from './support/world.ts'

/** That the worker's Role holds all that the worker needs, and nothing else. */

interface Rule {
  readonly apiGroups: string[]
  readonly resources: string[]
  readonly verbs: string[]
}

const rulesOf = (some: typeof permissions): Rule[] =>
  some.map(({ group, resource, verbs }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [...verbs],
  }))
const rules = rulesOf(permissions)
const tektonRules = rulesOf(tektonPermissions)

/** All of the rules but one verb of one of them. */
const without = (all: readonly Rule[], rule: Rule, verb: string): Rule[] =>
  all
    .map((each) =>
      each === rule ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) } : each,
    )
    .filter(({ verbs }) => verbs.length > 0)

/** How it shows where nothing is refused aloud: a build goes on without its log, and without a reason. */
const silent: Readonly<Record<string, RegExp>> = {
  'pods/log': /there is a log/,
  events: /not in time: .*"phase":"pending"/,
}

describe('the worker’s permissions', { timeout: 10 * 60_000, concurrency: 4 }, () => {
  let under: ClusterUnderTest
  let rbac: RbacAuthorizationV1Api
  let core: CoreV1Api
  const made: string[] = []

  before(async () => {
    under = await realCluster(await runningCluster())
    rbac = under.adminKubeConfig.makeApiClient(RbacAuthorizationV1Api)
    core = under.adminKubeConfig.makeApiClient(CoreV1Api)
  })
  after(async () => {
    const { namespace } = under
    for (const name of made) {
      await rbac.deleteNamespacedRoleBinding({ name, namespace })
      await rbac.deleteNamespacedRole({ name, namespace })
      await core.deleteNamespacedServiceAccount({ name, namespace })
    }
    await under.close()
  })

  test('are enough for all that it does in the cluster', async () => {
    await work(await accountWith(rules))
  })

  for (const rule of rules) {
    for (const verb of rule.verbs) {
      const resource = rule.resources[0] ?? ''
      test(`are no more than that: it misses “${verb} ${resource}”`, async () => {
        const kubeConfig = await accountWith(without(rules, rule, verb))
        const refused = new RegExp(`cannot ${verb} resource "${resource}"`)
        await assert.rejects(work(kubeConfig), { message: silent[resource] ?? refused })
      })
    }
  }

  describe('with backend: tekton', { concurrency: 1 }, () => {
    const all = [...rules, ...tektonRules]
    let tekton: Tekton

    before(async () => void (tekton = await startTekton(await runningCluster())))
    after(() => tekton.stop())

    test('are enough for all that it does with TaskRuns', async () => {
      await work(await accountWith(all), 'tekton')
    })

    for (const rule of tektonRules) {
      for (const verb of rule.verbs) {
        const resource = rule.resources[0] ?? ''
        test(`are no more than that: it misses “${verb} ${resource}”`, async () => {
          const kubeConfig = await accountWith(without(all, rule, verb))
          const refused = new RegExp(`cannot ${verb} resource "${resource}"`)
          // It tidies up without a word, now and then.
          const message = verb === 'list' ? /an ended TaskRun is removed/ : refused
          await assert.rejects(work(kubeConfig, 'tekton'), { message })
        })
      }
    }
  })

  test('end at the build namespace, and let nobody in, see secrets, or become more', async () => {
    const { namespace } = under
    const api = createApiServer(under.kubeConfig)
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const job = {
      metadata: { name: 'j' },
      spec: { template: { spec: { ...pod.spec, restartPolicy: 'Never' } } },
    }
    const role = { metadata: { name: 'r' }, rules }
    const [own, other] = [`/api/v1/namespaces/${namespace}`, '/api/v1/namespaces/kube-system']
    const granted = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
    const attempts: [string, string, object?][] = [
      ['GET', '/api/v1/secrets'],
      ['GET', `${own}/secrets`],
      ['GET', `${other}/secrets`],
      ['GET', `${other}/secrets/anything`],
      ['GET', `${other}/pods`],
      ['POST', `${own}/pods`, pod],
      ['POST', `${other}/pods`, pod],
      ['POST', '/apis/batch/v1/namespaces/kube-system/jobs', job],
      ['POST', `${own}/pods/p/exec?command=sh`],
      ['POST', `${own}/serviceaccounts/default/token`, { spec: { audiences: ['x'] } }],
      ['POST', `${granted}/roles`, role],
      ['POST', `${granted}/rolebindings`, { metadata: { name: 'b' } }],
      ['PUT', `${granted}/roles/kanihook-worker`, role],
      ['DELETE', `${own}/secrets`],
      ['DELETE', own],
      ['GET', '/api/v1/nodes'],
      ['GET', '/api/v1/namespaces'],
    ]
    for (const [method, path, body] of attempts) {
      const { status, message } = await api.call(method, path, body)
      assert.equal(status, 403, `${method} ${path}: ${status} ${message}`)
    }
  })

  /** A service account with these rules and no others; they are in force when it returns. */
  async function accountWith(some: readonly Rule[]): Promise<KubeConfig> {
    const { namespace, adminKubeConfig } = under
    const name = `permissions-${randomBytes(4).toString('hex')}`
    made.push(name)
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } })
    await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules: [...some] } })
    await rbac.createNamespacedRoleBinding({
      namespace,
      body: {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
    })
    const body = { spec: { audiences: [] } }
    const { status } = await core.createNamespacedServiceAccountToken({ name, namespace, body })
    const kubeConfig = new KubeConfig()
    const cluster = adminKubeConfig.getCurrentCluster()
    if (!cluster || !status?.token) throw new Error('no token for the account')
    kubeConfig.loadFromClusterAndUser(cluster, { name, token: status.token })
    await inForce(kubeConfig, some)
    return kubeConfig
  }

  /** The API server learns of a Role a moment after it is made. */
  async function inForce(kubeConfig: KubeConfig, some: readonly Rule[]): Promise<void> {
    const reviews = kubeConfig.makeApiClient(AuthorizationV1Api)
    const { namespace } = under
    await eventually(async () => {
      const body = { spec: { namespace } }
      const { status } = await reviews.createSelfSubjectRulesReview({ body })
      return some.every(({ resources, verbs }) =>
        status?.resourceRules.some(
          (rule) =>
            String(rule.resources) === String(resources) && String(rule.verbs) === String(verbs),
        ),
      )
    })
  }

  /** Everything that the worker asks of the API: a build from its start to its end, and one that waits. */
  async function work(kubeConfig: KubeConfig, backend: BackendName = 'job'): Promise<void> {
    const { registries } = under
    const lost = Promise.withResolvers<never>()
    const cluster = createKubernetesCluster({
      ...under,
      kubeConfig,
      backend,
      registries: () => registries,
      onWatchLost: (message) => lost.reject(new Error(`the watch was lost: ${message}`)),
    })
    const stop = new AbortController()
    const watching = cluster.watch(stop.signal)
    const jobs: string[] = []
    try {
      await Promise.race([build(cluster, { kubeConfig, backend }, jobs), lost.promise])
    } finally {
      stop.abort()
      await watching
      const background = { propagationPolicy: 'Background' }
      for (const name of jobs) await removeAsAdmin(name, backend, background)
    }
  }

  async function build(
    cluster: KubernetesCluster,
    { kubeConfig, backend }: { kubeConfig: KubeConfig; backend: BackendName },
    jobs: string[],
  ): Promise<void> {
    // Whatever the backend of its builds, it looks for Jobs to see whether the cluster answers.
    if (backend === 'job') await cluster.check()
    const secrets = createSecretValues({ kubeConfig, namespace: under.namespace })
    const [talks, waits] = [await under.request('talks'), await under.request('succeeds')]
    const start = async (request: JobRequest): Promise<string> => {
      const name = jobName(request.build, request.tries)
      jobs.push(name)
      await cluster.start(request)
      return name
    }
    const plan = { ...waits.build.plan, pushSecret: 'there-is-none' }
    const waiting = await start({ ...waits, build: { ...waits.build, plan } })
    const building = await start(talks)
    assert.notEqual((await secrets.of(talks.build)).values.length, 0)
    const lines = await logOf(cluster, building)
    await until(cluster, building, ({ phase }) => phase === 'ended')
    assert.ok(lines.length > 0, 'there is a log')
    await cluster.forgetCredential(building)
    await until(cluster, waiting, (seen) => seen.waiting?.reason === 'FailedMount')
    const patience = AbortSignal.timeout(30_000)
    await cluster.remove(waiting, patience)
    await (backend === 'job' ? cluster.remove(building, patience) : tidied(kubeConfig, building))
  }

  /** Ended TaskRuns are removed by the worker, as Kubernetes does with Jobs. */
  async function tidied(kubeConfig: KubeConfig, name: string): Promise<void> {
    const { namespace } = under
    const stop = new AbortController()
    const tidying = tidyTaskRuns({ kubeConfig, namespace, signal: stop.signal, keepMs: 0 })
    const api = createApiServer(under.adminKubeConfig)
    try {
      await eventually(async () => (await api.call('GET', pathOf(name, 'tekton'))).status === 404, {
        within: 15_000,
        what: 'an ended TaskRun is removed',
      })
    } finally {
      stop.abort()
      await tidying
    }
  }

  const pathOf = (name: string, backend: BackendName): string =>
    backend === 'job'
      ? `/apis/batch/v1/namespaces/${under.namespace}/jobs/${name}`
      : `/apis/tekton.dev/v1/namespaces/${under.namespace}/taskruns/${name}`

  async function logOf(cluster: KubernetesCluster, job: string): Promise<string[]> {
    const lines: string[] = []
    const patience = AbortSignal.timeout(30_000)
    for await (const { text } of cluster.logs(job, 'build', patience)) lines.push(text)
    return lines
  }

  async function until(
    cluster: KubernetesCluster,
    job: string,
    found: (observation: JobObservation) => boolean,
  ): Promise<void> {
    const patience = AbortSignal.timeout(30_000)
    for (;;) {
      const observation = await cluster.observe(job)
      if (found(observation)) return
      assert.ok(!patience.aborted, `not in time: ${JSON.stringify(observation)}`)
      await cluster.changed(job, 1_000, patience)
    }
  }

  async function removeAsAdmin(
    name: string,
    backend: BackendName,
    { propagationPolicy }: { propagationPolicy: string },
  ): Promise<void> {
    const query = `propagationPolicy=${propagationPolicy}`
    await createApiServer(under.adminKubeConfig).call('DELETE', `${pathOf(name, backend)}?${query}`)
  }
})
