import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labels } from '../../src/cluster/job-identity.ts'
import { about, policy, reaches, takes } from './network-rules.ts'
import { helm, render } from './render.ts'
import { usual, valuesTable } from './values-table.ts'
import { namesOf, workload } from './workloads.ts'

const bundled = { ...usual, redis: { bundled: { enabled: true } } }
const given = valuesTable.find(({ name }) => name === 'network addresses given')?.values ?? {}

const forge = { address: '140.82.112.3' }
const metadata = { address: '169.254.169.254' }
const apiService = { address: '10.96.0.1' }
const apiServer = { address: '192.168.1.10' }
const stranger = { pod: { app: 'shop' }, namespace: { name: 'shop' } }
const prometheus = { pod: {}, namespace: { 'kubernetes.io/metadata.name': 'monitoring' } }

test('each policy is about the pods that its name says', async () => {
  const split = await render(bundled)
  assert.deepEqual(about(split, 'kanihook-receiver'), ['kanihook-receiver'])
  assert.deepEqual(about(split, 'kanihook-worker'), ['kanihook-worker'])
  assert.deepEqual(about(split, 'kanihook-redis'), ['kanihook-redis'])
  // In one pod with both roles both apply: it may do what either may.
  const single = await render({ ...bundled, mode: 'single' })
  assert.deepEqual(about(single, 'kanihook-receiver'), ['kanihook'])
  assert.deepEqual(about(single, 'kanihook-worker'), ['kanihook'])
})

test('the receiver reaches Redis and names, and nothing else', async () => {
  const rendered = await render(bundled)
  const receiver = policy(rendered, 'kanihook-receiver')
  const redis = { pod: workload(rendered, 'kanihook-redis').labels }
  assert.ok(reaches(receiver, redis, 6379))
  assert.ok(reaches(receiver, { address: '10.96.0.10' }, 53))
  for (const port of [80, 443, 6443, 6379]) {
    assert.ok(!reaches(receiver, forge, port))
    assert.ok(!reaches(receiver, stranger, port))
  }
})

test('everybody reaches the receiver’s webhooks; nobody its admin port unless named', async () => {
  const closed = policy(await render(usual), 'kanihook-receiver')
  assert.ok(takes(closed, forge, 8080))
  assert.ok(takes(closed, stranger, 8080))
  assert.ok(!takes(closed, stranger, 9090))
  assert.ok(!takes(closed, prometheus, 9090))

  const open = await render(given)
  for (const name of ['kanihook-receiver', 'kanihook-worker']) {
    assert.ok(takes(policy(open, name), prometheus, 9090), name)
    assert.ok(!takes(policy(open, name), stranger, 9090), name)
  }
  assert.ok(!takes(policy(open, 'kanihook-receiver'), stranger, 8080))
  assert.ok(
    takes(policy(open, 'kanihook-receiver'), { pod: {}, namespace: { name: 'ingress' } }, 8080),
  )
})

test('the worker reaches the forges and the Kubernetes API, never the cloud’s metadata', async () => {
  const forges = { gitea: { ...usual.forges.gitea, url: 'http://git.acme.test:3000' } }
  const worker = policy(await render({ ...usual, forges }), 'kanihook-worker')
  assert.ok(reaches(worker, forge, 443))
  assert.ok(reaches(worker, forge, 3000))
  assert.ok(!reaches(worker, forge, 22))
  assert.ok(!reaches(worker, metadata, 80))
  assert.ok(!reaches(worker, metadata, 3000))
  assert.ok(!reaches(worker, { address: 'fd00:ec2::254' }, 3000))
  assert.ok(!takes(worker, stranger, 9090))
})

test('the worker reaches the registries on the ports that config names, for kanihook doctor', async () => {
  const registry = { address: '192.0.2.5' }
  const image = { name: 'app', destination: 'registry.acme.test:5000/app/{repo}' }
  const repositories = [
    { match: 'github.com/acme/*', images: [image] },
    { match: 'github.com/shop/*', destination: 'registry.acme.test:5001/{repo}' },
  ]
  const registries = [{ host: 'plain.acme.test', insecure: true }, { host: 'other.acme.test:5443' }]
  const config = { ...usual.config, repositories, registries }
  const worker = policy(await render({ ...usual, config }), 'kanihook-worker')
  for (const port of [443, 5000, 5001, 80, 5443])
    assert.ok(reaches(worker, registry, port), `${port}`)
  const narrow = policy(await render(usual), 'kanihook-worker')
  for (const port of [5000, 5001, 80, 5443]) assert.ok(!reaches(narrow, registry, port), `${port}`)
  const elsewhere = { ...usual, publicUrl: 'https://kanihook.acme.test:8443' }
  assert.ok(reaches(policy(await render(elsewhere), 'kanihook-worker'), registry, 8443))
})

test('given addresses narrow what the worker reaches', async () => {
  const worker = policy(await render(given), 'kanihook-worker')
  assert.ok(reaches(worker, apiService, 443))
  assert.ok(reaches(worker, apiServer, 6443))
  assert.ok(reaches(worker, { address: '192.0.2.8' }, 6390))
  assert.ok(reaches(worker, { address: '192.0.2.55' }, 3000))
  assert.ok(reaches(worker, { address: '192.0.2.9' }, 22))
  assert.ok(!reaches(worker, forge, 22))
  assert.ok(!reaches(worker, { address: '192.0.2.8' }, 6379))
})

test('the worker reaches the Kubernetes API also after its addresses changed', async () => {
  const moved = { address: '192.168.1.11' }
  assert.ok(reaches(policy(await render(given), 'kanihook-worker'), moved, 6443))
})

test('builds reach the internet, and neither the Kubernetes API nor the cloud’s metadata', async () => {
  const builds = policy(await render(given), 'kanihook-builds')
  for (const port of [22, 80, 443]) assert.ok(reaches(builds, forge, port))
  assert.ok(reaches(builds, { address: '2606:50c0:8000::153' }, 443))
  for (const other of [apiService, apiServer, metadata]) {
    for (const port of [80, 443, 6443]) assert.ok(!reaches(builds, other, port), other.address)
  }
  assert.ok(!reaches(builds, { address: 'fd00:10::1' }, 443))
  assert.ok(!reaches(builds, { address: 'fd00:ec2::254' }, 80))
  assert.ok(!reaches(builds, { address: '192.168.44.1' }, 443))
  assert.ok(reaches(builds, { address: '192.168.7.7' }, 443))
})

test('builds do not reach a Redis whose address is given', async () => {
  const redis = { address: '192.0.2.8' }
  assert.ok(!reaches(policy(await render(given), 'kanihook-builds'), redis, 6390))
  assert.ok(reaches(policy(await render(usual), 'kanihook-builds'), redis, 6390))
})

test('no cloud’s metadata is within reach of a build, whose names resolve all the same', async () => {
  const builds = policy(await render(usual), 'kanihook-builds')
  const clouds = ['169.254.169.254', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254']
  for (const address of clouds) {
    assert.ok(!reaches(builds, { address }, 80), address)
    assert.ok(reaches(builds, { address }, 53), address)
  }
})

test('nothing comes into a build', async () => {
  const builds = policy(await render(usual), 'kanihook-builds')
  assert.deepEqual(builds.policyTypes, ['Ingress', 'Egress'])
  assert.deepEqual(builds.ingress, [])
})

test('the builds’ policy selects the pods of the Jobs and TaskRuns that kanihook makes, in their namespace', async () => {
  const rendered = await render(usual)
  const { metadata } = rendered.one('NetworkPolicy', 'kanihook-builds')
  assert.equal(metadata.namespace, 'kanihook-builds')
  const { podSelector } = policy(rendered, 'kanihook-builds')
  assert.deepEqual(podSelector, {
    matchExpressions: [{ key: labels.build, operator: 'Exists' }],
  })
})

test('where the Kubernetes API is not known, the policy says so instead of seeming to hold', async () => {
  assert.match(await helm(['template'], usual), /# .*The Kubernetes API is NOT: its addresses were/)
  const rendered = await helm(['template'], given)
  assert.doesNotMatch(rendered, /is NOT/)
  const worker = policy(await render(usual), 'kanihook-worker')
  assert.ok(reaches(worker, apiServer, 6443))
})

test('Redis is reached by kanihook alone, and reaches nobody', async () => {
  const rendered = await render(bundled)
  const redis = policy(rendered, 'kanihook-redis')
  for (const name of ['kanihook-receiver', 'kanihook-worker']) {
    assert.ok(takes(redis, { pod: workload(rendered, name).labels }, 6379), name)
  }
  assert.ok(!takes(redis, { pod: {} }, 6379))
  assert.ok(!takes(redis, stranger, 6379))
  assert.ok(!takes(redis, { pod: workload(rendered, 'kanihook-redis').labels }, 6379))
  assert.deepEqual(redis.egress, [])
})

test('Redis elsewhere is reached on the port of its URL', async () => {
  const redis = { url: { value: 'rediss://:pass@redis.acme.test:6380/1' } }
  for (const name of ['kanihook-receiver', 'kanihook-worker']) {
    const own = policy(await render({ ...usual, redis }), name)
    assert.ok(reaches(own, { address: '192.0.2.8' }, 6380), name)
    assert.ok(!reaches(own, { address: '192.0.2.8' }, 6379), name)
  }
  assert.ok(reaches(policy(await render(usual), 'kanihook-receiver'), stranger, 6379))
})

test('policies can be left out', async () => {
  const rendered = await render({ ...bundled, networkPolicy: { enabled: false } })
  assert.deepEqual(namesOf(rendered.all('NetworkPolicy')), [])
})
