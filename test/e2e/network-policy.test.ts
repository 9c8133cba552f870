import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import {
  CoreV1Api,
  KubeConfig,
  NetworkingV1Api,
  type V1NetworkPolicySpec,
} from '@kubernetes/client-node'
import { eventually } from '../support/eventually.ts'
import { onOwnNode } from './support/own-node.ts'
import {
  connecting,
  outcome,
  startProbePod,
  type Outcome,
  type ProbePod,
} from './support/probe-pod.ts'

/** That the single node enforces NetworkPolicies, on which the tests of the chart's own rely. */

const home = 'kanihook-policies'
const away = 'kanihook-policies-away'
const web = 8080
const other = 8081
const allPods = { podSelector: {} }
const role = (role: string) => ({ podSelector: { matchLabels: { role } } })
const of = (namespace: string) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
})

await onOwnNode('NetworkPolicies in the test cluster', { timeout: 5 * 60_000 }, (cluster) => {
  let kubeConfig: KubeConfig
  let core: CoreV1Api
  let networking: NetworkingV1Api
  let server: ProbePod
  let client: ProbePod
  let stranger: ProbePod
  let visitor: ProbePod

  before(async () => {
    kubeConfig = new KubeConfig()
    kubeConfig.loadFromFile(cluster.kubeconfig)
    core = kubeConfig.makeApiClient(CoreV1Api)
    networking = kubeConfig.makeApiClient(NetworkingV1Api)
    for (const name of [home, away]) await core.createNamespace({ body: { metadata: { name } } })
    ;[server, client, stranger, visitor] = await Promise.all([
      start('server', home),
      start('client', home),
      start('stranger', home),
      start('client', away),
    ])
  })
  after(async () => {
    for (const name of [home, away]) await core.deleteNamespace({ name })
  })
  afterEach(async () => {
    await networking.deleteCollectionNamespacedNetworkPolicy({ namespace: home })
  })

  /** A pod that answers on two ports. */
  async function start(role: string, namespace: string): Promise<ProbePod> {
    const command = ['sh', '-c', `httpd -p ${web}; exec httpd -f -p ${other}`]
    const ports = [
      { name: 'web', containerPort: web },
      { name: 'other', containerPort: other },
    ]
    const image = cluster.cloneImage
    const pod = { name: role, image, labels: { role }, container: { command, ports } }
    const started = await startProbePod({ kubeConfig, namespace, ...pod })
    for (const port of [web, other]) {
      await eventually(async () => (await started.connect(started.address, port)) === 'reached')
    }
    return started
  }

  const policy = async (name: string, spec: V1NetworkPolicySpec): Promise<void> => {
    const body = { metadata: { name }, spec }
    await networking.createNamespacedNetworkPolicy({ namespace: home, body })
  }
  const ingress = (name: string, rules: V1NetworkPolicySpec['ingress']) =>
    policy(name, { ...role('server'), policyTypes: ['Ingress'], ingress: rules ?? [] })
  const egress = (name: string, rules: V1NetworkPolicySpec['egress']) =>
    policy(name, { ...role('client'), policyTypes: ['Egress'], egress: rules ?? [] })

  /**
   * Tries all connections until they go as expected. What is to be blocked comes first: once it is,
   * the policy is in force for the others.
   */
  async function expect(attempts: readonly [ProbePod, string, number, Outcome][]): Promise<void> {
    const sorted = attempts.toSorted(([, , , a], [, , , b]) => a.localeCompare(b))
    let outcomes: Outcome[] = []
    const expected = sorted.map(([, , , outcome]) => outcome)
    const look = async () => {
      outcomes = []
      for (const [from, address, port] of sorted) outcomes.push(await from.connect(address, port))
      return outcomes.every((outcome, index) => outcome === expected[index])
    }
    await eventually(look, { within: 15_000, every: 100 }).catch(() => {
      assert.deepEqual(outcomes, expected)
    })
  }

  test('leave a pod open that none of them selects', async () => {
    await policy('of-others', { ...role('stranger'), policyTypes: ['Ingress', 'Egress'] })
    await expect([
      [stranger, server.address, web, 'blocked'],
      [client, server.address, web, 'reached'],
      [visitor, server.address, other, 'reached'],
    ])
  })

  test('keep everybody out where no rule lets in, and what answers is not cut off', async () => {
    await ingress('nobody', [])
    await expect([
      [client, server.address, web, 'blocked'],
      [visitor, server.address, web, 'blocked'],
      [server, client.address, web, 'reached'],
    ])
  })

  test('tell what they block from a port on which nothing listens', async () => {
    await ingress('one-port', [{ ports: [{ port: 7000, protocol: 'TCP' }] }])
    await expect([
      [client, server.address, web, 'blocked'],
      [client, server.address, 7000, 'nothing listens'],
    ])
  })

  test('let in by the labels of pods in their own namespace', async () => {
    await ingress('clients', [{ _from: [role('client')] }])
    await expect([
      [client, server.address, web, 'reached'],
      [stranger, server.address, web, 'blocked'],
      [visitor, server.address, web, 'blocked'],
    ])
  })

  test('let in by namespace, and by namespace and labels together', async () => {
    await ingress('away', [{ _from: [of(away)] }])
    await expect([
      [visitor, server.address, web, 'reached'],
      [client, server.address, web, 'blocked'],
    ])
    await ingress('strangers', [{ _from: [{ ...of(home), ...role('stranger') }] }])
    await expect([
      [visitor, server.address, web, 'reached'],
      [stranger, server.address, web, 'reached'],
      [client, server.address, web, 'blocked'],
    ])
  })

  test('let in on a port by its name', async () => {
    await ingress('web', [{ ports: [{ port: 'web' }] }])
    await expect([
      [client, server.address, web, 'reached'],
      [client, server.address, other, 'blocked'],
    ])
  })

  test('let out to a block of addresses, but for those that it excepts', async () => {
    const except = [`${server.address}/32`, `${visitor.address}/32`]
    await egress('block', [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except } }] }])
    await expect([
      [client, stranger.address, web, 'reached'],
      [client, cluster.hostAddress, port(cluster.gitea.url), 'reached'],
      [client, server.address, web, 'blocked'],
      [client, visitor.address, web, 'blocked'],
      [stranger, server.address, web, 'reached'],
    ])
  })

  test('see a Service’s pod and its port behind the Service’s address', async () => {
    const ports = [{ port: 80, targetPort: 'web' }]
    const selector = { role: 'server' }
    const body = { metadata: { name: 'server' }, spec: { selector, ports } }
    const { spec } = await core.createNamespacedService({ namespace: home, body })
    const address = spec?.clusterIP ?? ''
    await eventually(async () => (await client.connect(address, 80)) === 'reached')
    await egress('server', [{ to: [role('server')], ports: [{ port: web }] }])
    await expect([
      [client, server.address, other, 'blocked'],
      [client, address, 80, 'reached'],
    ])
    await ingress('nobody', [])
    await expect([[client, address, 80, 'blocked']])
  })

  test('let through only what both ends allow', async () => {
    await egress('all', [{}])
    await ingress('strangers', [{ _from: [role('stranger')] }])
    await expect([
      [client, server.address, web, 'blocked'],
      [stranger, server.address, web, 'reached'],
      [client, stranger.address, web, 'reached'],
    ])
  })

  test('tell UDP from TCP', async () => {
    const server = /^nameserver (\S+)/m.exec(await client.run('cat', '/etc/resolv.conf'))?.[1] ?? ''
    const lookUp = () => client.run('nslookup', 'kubernetes.default.svc.cluster.local', server)
    await egress('names', [{ ports: [{ port: 53, protocol: 'UDP' }] }])
    await expect([[client, server, 53, 'blocked']])
    assert.match(await lookUp(), /Name:/)
    await networking.deleteNamespacedNetworkPolicy({ namespace: home, name: 'names' })
    await egress('none', [])
    await eventually(() => lookUp().then(never, () => true))
  })

  test('hold from the first moment of a pod’s life, and so do the ways that they leave open', async () => {
    await policy('early', {
      ...role('early'),
      policyTypes: ['Egress'],
      egress: [{ to: [role('server')] }],
    })
    const script = [server, stranger]
      .map(({ address }) => `${connecting(address, web)} 2>&1 && echo reached`)
      .join('\n echo ---\n')
    const outputs = await Promise.all(
      [1, 2, 3].map(async (each) => {
        const name = `early-${each}`
        const command = ['sh', '-c', `${script}\ntrue`]
        const containers = [{ name: 'early', image: cluster.cloneImage, command }]
        const spec = { containers, restartPolicy: 'Never' as const }
        const body = { metadata: { name, labels: { role: 'early' } }, spec }
        await core.createNamespacedPod({ namespace: home, body })
        await eventually(
          async () => {
            const { status } = await core.readNamespacedPod({ namespace: home, name })
            return status?.phase === 'Succeeded'
          },
          { within: 60_000, every: 100, what: `the pod ${name} ends` },
        )
        return core.readNamespacedPodLog({ namespace: home, name })
      }),
    )
    for (const output of outputs) {
      const said = output.split('---').map((text) => outcome(text.includes('reached'), text))
      assert.deepEqual(said, ['reached', 'blocked'])
    }
  })

  test('never keep out the kubelet', async () => {
    await policy('nobody', { ...allPods, policyTypes: ['Ingress'] })
    const command = ['httpd', '-f', '-p', `${web}`]
    const readinessProbe = { tcpSocket: { port: web }, periodSeconds: 1 }
    const probed = await startProbePod({
      kubeConfig,
      namespace: home,
      name: 'probed',
      image: cluster.cloneImage,
      container: { command, readinessProbe },
    })
    await expect([[client, probed.address, web, 'blocked']])
    await eventually(
      async () => {
        const { status } = await core.readNamespacedPod({ namespace: home, name: 'probed' })
        return status?.containerStatuses?.[0]?.ready
      },
      { within: 30_000, every: 100, what: 'the pod is ready' },
    )
  })
})

const never = () => false
const port = (url: string): number => Number(new URL(url).port)
