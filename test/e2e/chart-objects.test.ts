import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { read, helm } from '../chart/render.ts'
import { valuesTable } from '../chart/values-table.ts'
import { ensureCustomResources } from '../cluster/custom-resources.ts'
import { createApiServer, type AnyObject, type ApiServer } from '../cluster/api-server.ts'
import { removeNamespaces } from './support/namespaces.ts'
import { onOwnNode } from './support/own-node.ts'

/** What the chart renders, as a real API server judges it: nothing of it is stored. */

const namespace = 'kanihook-rendered'
const madeHere = { 'kanihook.test/for': 'rendered' }

type Rendered = AnyObject & { spec?: { template?: object; clusterIP?: string } }

await onOwnNode('the objects of the chart', { timeout: 5 * 60_000 }, ({ kubeconfig }) => {
  let core: CoreV1Api
  let api: ApiServer

  before(async () => {
    const config = new KubeConfig()
    config.loadFromFile(kubeconfig)
    core = config.makeApiClient(CoreV1Api)
    api = createApiServer(config)
    await ensureCustomResources(kubeconfig)
    await createNamespace(namespace, { 'pod-security.kubernetes.io/enforce': 'restricted' })
  })
  after(async () => {
    const { items } = await core.listNamespace({ labelSelector: 'kanihook.test/for=rendered' })
    await removeNamespaces(
      core,
      items.map(({ metadata }) => metadata?.name ?? ''),
    )
  })

  const createNamespace = async (name: string, labels: Record<string, string> = {}) => {
    await core.createNamespace({ body: { metadata: { name, labels: { ...labels, ...madeHere } } } })
  }
  const isThere = (name: string) =>
    core.readNamespace({ name }).then(
      () => true,
      () => false,
    )

  for (const { name, values } of valuesTable) {
    test(`are valid, and its pods pass Pod Security restricted: ${name}`, async () => {
      const text = await helm(['template'], values, { namespace })
      const objects = read(text).objects as readonly (AnyObject & {
        spec?: { template?: object }
      })[]
      for (const each of objects) {
        const { namespace: place } = each.metadata
        if (place !== undefined && !(await isThere(place))) await createNamespace(place)
      }
      const refusals = await Promise.all(objects.map(judge))
      assert.deepEqual(refusals.flat(), [])
    })
  }

  /** What the server says against an object, and against the pods of a Deployment. */
  async function judge(object: Rendered): Promise<string[]> {
    const { kind, metadata } = object
    // An address that a Service chooses is of another cluster's range.
    const { clusterIP: _, ...spec } = object.spec ?? {}
    const inPlace = {
      ...object,
      ...(object.spec && { spec }),
      metadata: { namespace, ...metadata },
    }
    const { status, message } = await api.dryRun(inPlace)
    // 409: it was found to be valid, and one of that name is there (the test cluster's own, mostly).
    const fault = status === 409 || (status === 201 && message === '') ? [] : [message]
    const own = fault.map((text) => `${kind} ${metadata.name}: ${text}`)
    if (kind !== 'Deployment') return own
    const template = object.spec?.template as { metadata: object; spec: object }
    const pod = await api.dryRun({
      apiVersion: 'v1',
      kind: 'Pod',
      ...template,
      // The account is of the release, which is not installed.
      spec: { ...template.spec, serviceAccountName: 'default' },
      metadata: { ...template.metadata, name: 'pod', namespace },
    } as AnyObject)
    return pod.status === 201 ? own : [...own, `pod of ${metadata.name}: ${pod.message}`]
  }
})
