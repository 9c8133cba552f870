import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import type { Kinds } from './kinds.ts'
import { render } from './render.ts'
import { usual, valuesTable } from './values-table.ts'
import { environmentOf, namesOf, workload } from './workloads.ts'

test('the build namespace refuses what Pod Security baseline refuses', async () => {
  const { metadata } = (await render(usual)).one('Namespace', 'kanihook-builds')
  for (const mode of ['enforce', 'warn', 'audit']) {
    assert.equal(metadata.labels?.[`pod-security.kubernetes.io/${mode}`], 'baseline')
  }
})

/** The Role that tests in the cluster give the worker. */
const roleIn = (file: string): Kinds['Role'] | undefined =>
  parseAllDocuments(readFileSync(join(import.meta.dirname, '../cluster/manifests', file), 'utf8'))
    .map((each) => each.toJS() as Kinds['Role'])
    .find(({ kind }) => kind === 'Role')

test('the worker may do what it is tested with, in the build namespace alone', async () => {
  const rendered = await render(usual)
  const wanted = roleIn('worker.yaml')
  const roles = rendered.all('Role')
  assert.deepEqual(
    roles.map(({ metadata, rules }) => [metadata.namespace, rules]),
    [['kanihook-builds', wanted?.rules]],
  )
  assert.deepEqual([...rendered.all('ClusterRole'), ...rendered.all('ClusterRoleBinding')], [])
})

test('a tenant’s namespace has all that the build namespace has, and is not made', async () => {
  const { values } = valuesTable.find(({ name }) => name === 'a namespace of a tenant')!
  const rendered = await render(values)
  for (const kind of ['Role', 'RoleBinding', 'ResourceQuota', 'LimitRange'] as const) {
    const [first, second, ...more] = rendered.all(kind)
    assert.deepEqual(more, [], kind)
    assert.equal(first?.metadata.namespace, 'kanihook-builds')
    assert.equal(second?.metadata.namespace, 'acme-builds')
    const apart = { ...second, metadata: { ...second.metadata, namespace: 'kanihook-builds' } }
    assert.deepEqual(apart, first)
  }
  const policies = rendered
    .all('NetworkPolicy')
    .filter(({ metadata }) => metadata.name === 'kanihook-builds')
  assert.deepEqual(
    new Set(policies.map(({ metadata }) => metadata.namespace)),
    new Set(['acme-builds', 'kanihook-builds']),
  )
  assert.deepEqual(policies[0]?.spec, policies[1]?.spec)
  assert.deepEqual(namesOf(rendered.all('Namespace')), ['kanihook-builds'])
})

test('a namespace that an entry names and the chart does not know is refused', async () => {
  const entry = { match: 'git.acme.test/x/*', destination: 'r.io/x', namespace: 'elsewhere' }
  await assert.rejects(
    render({ ...usual, config: { repositories: [entry] } }),
    /elsewhere, which is not in buildNamespace\.more: add it/,
  )
})

test('with Tekton, the worker may do with TaskRuns what it is tested with', async () => {
  const [role] = (await render({ ...usual, tekton: { enabled: true } })).all('Role')
  const [without] = (await render(usual)).all('Role')
  const added = role?.rules?.slice(without?.rules?.length)
  assert.deepEqual(added, roleIn('worker-tekton.yaml')?.rules)
})

test('the rights are the worker’s account’s and nobody else’s', async () => {
  for (const [mode, name] of [
    ['split', 'kanihook-worker'],
    ['single', 'kanihook'],
  ] as const) {
    const rendered = await render({ ...usual, mode })
    const bindings = rendered.all('RoleBinding')
    assert.deepEqual(
      bindings.map(({ metadata, subjects }) => [metadata.namespace, subjects]),
      [['kanihook-builds', [{ kind: 'ServiceAccount', name, namespace: 'kanihook' }]]],
    )
    assert.equal(workload(rendered, name).pod.serviceAccountName, name)
    assert.ok(rendered.one('ServiceAccount', name))
  }
})

test('a namespace, rights and accounts that are there are used and not made', async () => {
  const row = valuesTable.find(({ name }) => name.startsWith('a build namespace, role and'))
  const rendered = await render(row?.values ?? {})
  for (const kind of ['Namespace', 'Role', 'RoleBinding', 'ServiceAccount'] as const) {
    assert.deepEqual(namesOf(rendered.all(kind)), [], kind)
  }
  assert.equal(workload(rendered, 'kanihook-worker').pod.serviceAccountName, 'builder')
  assert.equal(workload(rendered, 'kanihook-receiver').pod.serviceAccountName, 'default')
})

test('the namespace that is named is the one that kanihook builds in', async () => {
  const row = valuesTable.find(({ name }) => name.startsWith('a build namespace with quota'))
  const rendered = await render(row?.values ?? {})
  const { metadata } = rendered.one('Namespace', 'acme-builds')
  assert.equal(metadata.labels?.['pod-security.kubernetes.io/enforce'], 'privileged')
  assert.equal(metadata.labels?.['team'], 'platform')
  assert.equal(metadata.annotations?.['helm.sh/resource-policy'], 'keep')
  assert.equal(
    environmentOf(workload(rendered, 'kanihook-worker'))['BUILD_NAMESPACE'],
    'acme-builds',
  )
  const within = rendered.objects.filter((each) => each.metadata.namespace === 'acme-builds')
  assert.deepEqual(within.map(({ kind }) => kind).toSorted(), [
    'LimitRange',
    'NetworkPolicy',
    'ResourceQuota',
    'Role',
    'RoleBinding',
  ])
})

test('helm uninstall leaves nothing unless that is asked for', async () => {
  const keeps = async (values: object) =>
    (await render({ ...usual, redis: { bundled: { enabled: true } }, ...values })).objects
      .filter(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'])
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  assert.deepEqual(await keeps({}), [])
  assert.deepEqual(await keeps({ buildNamespace: { keep: true } }), ['Namespace kanihook-builds'])
  const redis = { bundled: { enabled: true, persistence: { keep: true } } }
  assert.deepEqual(await keeps({ redis }), ['PersistentVolumeClaim kanihook-redis'])
})

test('every object is the release’s: none is made by a template of claims or by a hook', async () => {
  for (const { values } of valuesTable) {
    const { objects } = await render(values)
    assert.deepEqual(
      objects.filter(({ kind }) => kind === 'StatefulSet'),
      [],
    )
    assert.deepEqual(
      objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook']),
      [],
    )
  }
})
