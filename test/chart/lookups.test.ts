import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerLookups } from './kubernetes-answers.ts'
import { policy, reaches } from './network-rules.ts'
import { render } from './render.ts'
import { usual } from './values-table.ts'
import { secretValue } from './workloads.ts'

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kubernetes', namespace: 'default' },
  spec: { clusterIPs: ['10.96.0.1', 'fd00:10::1'], ports: [{ port: 443, targetPort: 7443 }] },
}
const slice = (name: string, address: string) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints: [{ addresses: [address] }],
  ports: [{ port: 7443, protocol: 'TCP' }],
})
const kubernetes = {
  '/api/v1/namespaces/default/services/kubernetes': service,
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices': {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSliceList',
    metadata: {},
    items: [slice('kubernetes', '192.168.1.10'), slice('shop', '192.168.1.99')],
  },
}

const renderWith = async (objects: Readonly<Record<string, object>>, values: object) => {
  await using cluster = await answerLookups(objects)
  const server = ['--dry-run=server', '--disable-openapi-validation']
  return await render(values, { args: [...server, '--kubeconfig', cluster.kubeconfig] })
}

test('where the cluster can be asked, builds are kept from its API and the worker reaches it', async () => {
  const rendered = await renderWith(kubernetes, usual)
  const builds = policy(rendered, 'kanihook-builds')
  const worker = policy(rendered, 'kanihook-worker')
  for (const [address, port] of [
    ['10.96.0.1', 443],
    ['fd00:10::1', 443],
    ['192.168.1.10', 7443],
  ] as const) {
    assert.ok(!reaches(builds, { address }, port), address)
    assert.ok(reaches(worker, { address }, port), address)
  }
  assert.ok(reaches(builds, { address: '192.168.1.99' }, 7443), 'the API alone is left out')
  assert.ok(reaches(worker, { address: '192.168.1.99' }, 7443), 'the worker goes by the port')
  assert.ok(!reaches(worker, { address: '192.168.1.99' }, 6443), 'which is that of this API')
})

test('who may not ask the cluster says so, and is not asked', async () => {
  const networkPolicy = { apiServer: { lookup: false } }
  const rendered = await renderWith(kubernetes, { ...usual, networkPolicy })
  assert.ok(reaches(policy(rendered, 'kanihook-builds'), { address: '192.168.1.10' }, 7443))
})

test('a build namespace that is somebody else’s is refused with what to say instead', async () => {
  const namespace = (annotations?: Readonly<Record<string, string>>) => ({
    '/api/v1/namespaces/kanihook-builds': {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: 'kanihook-builds',
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
        annotations,
      },
    },
  })
  const ownedBy = (name: string) =>
    namespace({
      'meta.helm.sh/release-name': name,
      'meta.helm.sh/release-namespace': 'kanihook',
    })
  const sentence = /kanihook-builds exists and is not this release's: set buildNamespace\.create to/
  await assert.rejects(renderWith(namespace(), usual), sentence)
  await assert.rejects(renderWith(ownedBy('another'), usual), sentence)
  await renderWith(ownedBy('kanihook'), usual)
  await renderWith(namespace(), { ...usual, buildNamespace: { create: false } })
})

test('the password that was made for the bundled Redis outlives an upgrade', async () => {
  const data = { password: Buffer.from('the-one-made-before').toString('base64') }
  const metadata = {
    name: 'kanihook-redis',
    namespace: 'kanihook',
    labels: { 'app.kubernetes.io/managed-by': 'Helm' },
    annotations: {
      'meta.helm.sh/release-name': 'kanihook',
      'meta.helm.sh/release-namespace': 'kanihook',
    },
  }
  const rendered = await renderWith(
    {
      '/api/v1/namespaces/kanihook/secrets/kanihook-redis': {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata,
        data,
      },
    },
    { ...usual, redis: { bundled: { enabled: true } } },
  )
  assert.equal(secretValue(rendered, 'kanihook-redis/password'), 'the-one-made-before')
})
