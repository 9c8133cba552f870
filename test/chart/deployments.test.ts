import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { render } from './render.ts'
import { usual, valuesTable } from './values-table.ts'
import { environmentOf, workload, workloads } from './workloads.ts'

test('receiver and worker are Deployments of their own, two pods each', async () => {
  const found = workloads(await render(usual))
  const facts = [...found.values()].map((each) => [
    each.name,
    each.spec.replicas,
    environmentOf(each)['KANIHOOK_ROLES'],
  ])
  assert.deepEqual(facts, [
    ['kanihook-receiver', 2, 'receiver'],
    ['kanihook-worker', 2, 'worker'],
  ])
})

test('a small installation is one pod with both roles', async () => {
  const rendered = await render({ ...usual, mode: 'single' })
  assert.deepEqual([...workloads(rendered).keys()], ['kanihook'])
  const only = workload(rendered, 'kanihook')
  assert.equal(only.spec.replicas, 1)
  assert.equal(environmentOf(only)['KANIHOOK_ROLES'], 'receiver,worker')
})

test('names fit, whatever the release is called', async () => {
  const rendered = await render(
    { ...usual, redis: { bundled: { enabled: true } } },
    { release: 'r'.repeat(53) },
  )
  const names = rendered.objects.map(({ metadata }) => metadata.name)
  const values = rendered.objects.flatMap(({ metadata }) => Object.values(metadata.labels ?? {}))
  assert.deepEqual(
    [...names, ...values].filter((text) => text.length > 63),
    [],
  )
  assert.equal(new Set(rendered.all('Service').map(({ metadata }) => metadata.name)).size, 3)
})

test('the image is the chart’s own version unless a tag or a digest is given', async () => {
  const image = async (of: object) =>
    workload(await render({ ...usual, image: of }), 'kanihook-worker').container.image
  assert.equal(await image({}), `ghcr.io/kanihook/kanihook:${manifest.version}`)
  assert.equal(await image({ tag: '9.9.9' }), 'ghcr.io/kanihook/kanihook:9.9.9')
  const digest = `sha256:${'a'.repeat(64)}`
  assert.equal(await image({ tag: '9.9.9', digest }), `ghcr.io/kanihook/kanihook@${digest}`)
})

test('only the worker has a token of the Kubernetes API', async () => {
  const rendered = await render({ ...usual, redis: { bundled: { enabled: true } } })
  const tokens = [...workloads(rendered).values()].map(({ name, pod }) => [
    name,
    pod.automountServiceAccountToken,
  ])
  assert.deepEqual(Object.fromEntries(tokens), {
    'kanihook-receiver': false,
    'kanihook-worker': true,
    'kanihook-redis': false,
  })
})

test('a rolling update takes no pod away before a new one is ready', async () => {
  for (const each of workloads(await render(usual)).values()) {
    assert.deepEqual(each.spec.strategy?.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 })
  }
})

test('a receiver that stops serves on while others learn of it; the worker has nobody to wait for', async () => {
  const rendered = await render(usual)
  const preStop = (name: string) => workload(rendered, name).container.lifecycle?.preStop
  assert.deepEqual(preStop('kanihook-receiver'), { sleep: { seconds: 5 } })
  assert.equal(preStop('kanihook-worker'), undefined)
})

test('a pod is given the time that its stop may take', async () => {
  const seconds = async (name: string, values: object) =>
    workload(await render({ ...usual, ...values }), name).pod.terminationGracePeriodSeconds
  assert.equal(await seconds('kanihook-receiver', {}), 35)
  assert.equal(await seconds('kanihook-worker', {}), 30)
  const settings = { shutdownTimeout: '2m' }
  assert.equal(await seconds('kanihook-receiver', { settings }), 130)
  assert.equal(await seconds('kanihook-worker', { settings }), 125)
  assert.equal(await seconds('kanihook', { settings, mode: 'single' }), 130)
  const worker = { terminationGracePeriodSeconds: 300 }
  assert.equal(await seconds('kanihook-worker', { settings, worker }), 300)
})

test('what is ready is asked of /readyz, what hangs of /healthz, on the admin port', async () => {
  const rendered = await render(usual)
  for (const { name, container } of workloads(rendered).values()) {
    assert.deepEqual(container.startupProbe?.httpGet, { path: '/healthz', port: 'admin' })
    assert.deepEqual(container.livenessProbe?.httpGet, { path: '/healthz', port: 'admin' })
    const path = name === 'kanihook-receiver' ? '/readyz?role=receiver' : '/readyz'
    assert.deepEqual(container.readinessProbe?.httpGet, { path, port: 'admin' })
    const admin = container.ports?.find(({ name }) => name === 'admin')
    assert.equal(admin?.containerPort, 9090)
  }
})

test('one Deployment with both roles takes webhooks while the cluster is away', async () => {
  const { container } = workload(await render({ ...usual, mode: 'single' }), 'kanihook')
  assert.equal(container.readinessProbe?.httpGet?.path, '/readyz?role=receiver')
})

test('a changed kanihook.yaml restarts nothing, and a changed secret of the chart what reads it', async () => {
  const template = async (name: string, values: object) =>
    workload(await render({ ...usual, ...values }), name).spec.template
  const before = {
    receiver: await template('kanihook-receiver', {}),
    worker: await template('kanihook-worker', {}),
  }

  const repositories = [{ match: 'git.acme.test/other/*', destination: 'r.acme.test/{repo}' }]
  const config = { config: { repositories } }
  assert.deepEqual(await template('kanihook-receiver', config), before.receiver)
  assert.deepEqual(await template('kanihook-worker', config), before.worker)

  const withToken = (value: string) => ({
    forges: { gitea: { ...usual.forges.gitea, token: { value } } },
  })
  const [one, two] = [withToken('one'), withToken('two')]
  const checksum = async (name: string, values: object) =>
    (await template(name, values)).metadata?.annotations?.['checksum/secrets']
  assert.notEqual(await checksum('kanihook-worker', one), await checksum('kanihook-worker', two))
  assert.equal(await checksum('kanihook-receiver', one), await checksum('kanihook-receiver', two))
})

test('an upgrade of the chart that changes no pod restarts none', async () => {
  for (const { labels } of workloads(await render(usual)).values()) {
    assert.ok(!('helm.sh/chart' in labels) && !('app.kubernetes.io/version' in labels))
  }
})

test('kanihook.yaml is a folder’s file, so that a change reaches the pod', async () => {
  const rendered = await render(usual)
  for (const each of workloads(rendered).values()) {
    const mount = each.container.volumeMounts?.find(({ name }) => name === 'config')
    assert.deepEqual(mount, { name: 'config', mountPath: '/etc/kanihook', readOnly: true })
    assert.equal(environmentOf(each)['KANIHOOK_CONFIG'], '/etc/kanihook/kanihook.yaml')
  }
})

test('a ConfigMap of one’s own is mounted under the name that kanihook looks for', async () => {
  const existingConfigMap = { name: 'what-is-built', key: 'rules.yaml' }
  const rendered = await render({ ...usual, config: {}, existingConfigMap })
  assert.deepEqual(rendered.all('ConfigMap'), [])
  const volume = workload(rendered, 'kanihook-worker').pod.volumes?.find(
    ({ name }) => name === 'config',
  )
  assert.deepEqual(volume?.configMap, {
    name: 'what-is-built',
    items: [{ key: 'rules.yaml', path: 'kanihook.yaml' }],
  })
})

test('pods are spread over nodes and zones where that can be had', async () => {
  const { pod, labels } = workload(await render(usual), 'kanihook-receiver')
  const constraints = pod.topologySpreadConstraints ?? []
  assert.deepEqual(
    constraints.map(({ topologyKey, whenUnsatisfiable }) => [topologyKey, whenUnsatisfiable]),
    [
      ['kubernetes.io/hostname', 'ScheduleAnyway'],
      ['topology.kubernetes.io/zone', 'ScheduleAnyway'],
    ],
  )
  for (const { labelSelector } of constraints) {
    const wanted = Object.entries(labelSelector?.matchLabels ?? {})
    assert.ok(wanted.length > 0)
    assert.deepEqual(
      wanted,
      wanted.map(([key]) => [key, labels[key]]),
    )
  }
})

test('what is said for a pod’s surroundings arrives there', async () => {
  const row = valuesTable.find(({ name }) => name === 'everything that a pod may be given')
  const rendered = await render(row?.values ?? {})
  const receiver = workload(rendered, 'hooks-receiver')
  const worker = workload(rendered, 'hooks-worker')

  assert.deepEqual(receiver.pod.nodeSelector, { 'kubernetes.io/os': 'linux' })
  assert.equal(receiver.pod.tolerations?.[0]?.key, 'dedicated')
  assert.ok(receiver.pod.affinity?.nodeAffinity)
  assert.equal(receiver.pod.priorityClassName, 'system-cluster-critical')
  assert.deepEqual(receiver.pod.hostAliases, [{ ip: '192.0.2.7', hostnames: ['git.acme.test'] }])
  assert.deepEqual(receiver.pod.dnsConfig, { options: [{ name: 'ndots', value: '1' }] })
  assert.deepEqual(receiver.pod.imagePullSecrets, [{ name: 'regcred' }])
  assert.equal(receiver.labels['tier'], 'edge')
  assert.equal(receiver.spec.template.metadata?.annotations?.['note'], 'receiver')
  assert.equal(environmentOf(worker)['NODE_EXTRA_CA_CERTS'], '/ca/ca.crt')
  assert.deepEqual(worker.container.envFrom, [{ configMapRef: { name: 'proxy', optional: true } }])
  assert.ok(worker.pod.volumes?.some(({ name }) => name === 'ca'))
  assert.ok(worker.container.volumeMounts?.some(({ name }) => name === 'ca'))
  for (const { metadata } of rendered.objects.filter(({ metadata: { labels } }) => labels)) {
    assert.equal(metadata.labels?.['team'], 'platform', metadata.name)
    assert.equal(metadata.annotations?.['owner'], 'platform@acme.test', metadata.name)
  }
  assert.ok(rendered.one('ConfigMap', 'kanihook-extra'))
  assert.ok(rendered.one('ConfigMap', 'hooks-text'))
})

suite('Pod Security restricted passes every pod of the release', () => {
  for (const { name, values } of valuesTable) {
    test(name, async () => {
      for (const each of workloads(await render(values)).values()) {
        const { pod, container } = each
        // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
        assert.ok(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, 'no namespace of the host')
        assert.equal(pod.securityContext?.runAsNonRoot, true)
        assert.notEqual(pod.securityContext?.runAsUser ?? 0, 0)
        assert.equal(pod.securityContext?.seccompProfile?.type, 'RuntimeDefault')
        assert.equal(container.securityContext?.allowPrivilegeEscalation, false)
        assert.deepEqual(container.securityContext?.capabilities, { drop: ['ALL'] })
        assert.ok(!container.securityContext?.privileged)
        const kinds = (pod.volumes ?? []).flatMap((volume) => Object.keys(volume))
        const allowed = [
          'name',
          'configMap',
          'secret',
          'projected',
          'emptyDir',
          'persistentVolumeClaim',
        ]
        assert.deepEqual(
          kinds.filter((kind) => !allowed.includes(kind)),
          [],
        )
        assert.ok(container.ports?.every(({ hostPort }) => hostPort === undefined))
        // Beyond it.
        assert.equal(container.securityContext?.readOnlyRootFilesystem, true)
        assert.equal(pod.enableServiceLinks, false)
        assert.ok(container.resources?.requests?.['cpu'] && container.resources.limits?.['memory'])
      }
    })
  }
})
