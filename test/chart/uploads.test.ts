import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forges } from '../../src/forges/index.ts'
import { readEnvironment } from '../../src/settings/environment.ts'
import { policy, reaches, takes } from './network-rules.ts'
import { render } from './render.ts'
import { usual } from './values-table.ts'
import { environmentOf, workload } from './workloads.ts'

const on = { ...usual, uploads: { enabled: true, maxSize: '100Mi', diskSize: '1Gi' } }

const build = {
  pod: { 'app.kubernetes.io/managed-by': 'kanihook' },
  namespace: { 'kubernetes.io/metadata.name': 'kanihook-builds' },
}
const stranger = { ...build, namespace: { 'kubernetes.io/metadata.name': 'elsewhere' } }

test('the worker takes uploads where they are on, and holds them on a volume of its own', async () => {
  for (const [mode, name] of [
    ['split', 'kanihook-worker'],
    ['single', 'kanihook'],
  ] as const) {
    const worker = workload(await render({ ...on, mode }), name)
    const readFile = (path: string): string =>
      path.includes('redis') ? 'redis://redis:6379' : 'a-secret-of-more-than-16-characters'
    const { uploads } = readEnvironment(environmentOf(worker), { forges, readFile })
    assert.deepEqual(uploads, {
      dir: '/var/lib/kanihook/uploads',
      port: 9091,
      url: undefined,
      maxBytes: 100 * 2 ** 20,
      diskBytes: 2 ** 30,
    })
    const mount = worker.container.volumeMounts?.find((each) => each.name === 'uploads')
    assert.equal(mount?.mountPath, uploads?.dir)
    const volume = worker.pod.volumes?.find((each) => each.name === 'uploads')
    assert.deepEqual(volume?.emptyDir, { sizeLimit: '3Gi' })
    const port = worker.container.ports?.find((each) => each.name === 'uploads')
    assert.equal(port?.containerPort, 9091)
  }
})

test('the receiver takes none, and nobody does by default', async () => {
  const rendered = await render(on)
  const off = await render(usual)
  for (const each of [
    workload(rendered, 'kanihook-receiver'),
    workload(off, 'kanihook-worker'),
    workload(off, 'kanihook-receiver'),
  ]) {
    assert.equal(environmentOf(each)['UPLOADS_DIR'], undefined)
    assert.ok(!JSON.stringify(each).includes('9091'))
  }
})

test('builds reach the port of uploads and no other of kanihook, and nobody else reaches it', async () => {
  const rendered = await render(on)
  const worker = policy(rendered, 'kanihook-worker')
  assert.ok(takes(worker, build, 9091))
  for (const port of [8080, 9090]) assert.ok(!takes(worker, build, port))
  assert.ok(!takes(worker, stranger, 9091))
  assert.ok(!takes(policy(rendered, 'kanihook-receiver'), build, 9091))
  const pod = {
    pod: {
      'app.kubernetes.io/name': 'kanihook',
      'app.kubernetes.io/instance': 'kanihook',
      'app.kubernetes.io/component': 'worker',
    },
    namespace: { 'kubernetes.io/metadata.name': 'kanihook' },
  }
  const builds = policy(rendered, 'kanihook-builds')
  assert.ok(reaches(builds, pod, 9091))
  assert.ok(!reaches(builds, pod, 9090))
  const off = await render(usual)
  assert.ok(!takes(policy(off, 'kanihook-worker'), build, 9091))
  assert.ok(!reaches(policy(off, 'kanihook-builds'), pod, 9091))
})
