import assert from 'node:assert/strict'
import { test } from 'node:test'
import { render } from './render.ts'
import { usual, valuesTable } from './values-table.ts'
import { secretFiles, secretValue, selected, workload, workloads } from './workloads.ts'

const bundled = (own: object = {}) => ({ ...usual, redis: { bundled: { enabled: true, ...own } } })

const volumeOf = async (values: object) =>
  workload(await render(values), 'kanihook-redis').pod.volumes?.find(({ name }) => name === 'data')

test('Redis of one’s own brings no other', async () => {
  const rendered = await render(usual)
  assert.ok(!workloads(rendered).has('kanihook-redis'))
  assert.deepEqual(rendered.all('PersistentVolumeClaim'), [])
})

test('the bundled Redis forgets nothing that it took: appended to a file, noeviction', async () => {
  const rendered = await render(bundled({ maxmemory: '64mb' }))
  const lines = secretValue(rendered, 'kanihook-redis/redis.conf')?.split('\n') ?? []
  for (const line of ['appendonly yes', 'maxmemory-policy noeviction', 'maxmemory 64mb']) {
    assert.ok(lines.includes(line), line)
  }
  assert.deepEqual(await volumeOf(bundled()), {
    name: 'data',
    persistentVolumeClaim: { claimName: 'kanihook-redis' },
  })
})

test('kanihook logs in to it with the password that it asks for', async () => {
  for (const own of [{}, { password: 'a-password' }]) {
    const rendered = await render(bundled(own))
    const conf = secretValue(rendered, 'kanihook-redis/redis.conf') ?? ''
    const [, password = ''] = /^requirepass (\S+)$/m.exec(conf) ?? []
    assert.ok(password.length >= 10)
    for (const name of ['kanihook-receiver', 'kanihook-worker']) {
      const file = secretFiles(workload(rendered, name)).get('/run/kanihook/secrets/redis-url')
      const url = new URL(secretValue(rendered, file ?? '') ?? '')
      assert.equal(url.password, password)
      const service = rendered.one('Service', url.hostname)
      assert.equal(url.port, String(service.spec.ports?.[0]?.port))
      assert.deepEqual(selected(rendered, service.spec.selector), ['kanihook-redis'])
    }
    assert.equal(secretValue(rendered, 'kanihook-redis/password'), password)
  }
})

test('a password that nobody gave is made anew for each release', async () => {
  const password = async () => secretValue(await render(bundled()), 'kanihook-redis/password')
  assert.notEqual(await password(), await password())
})

test('a password that was made and one that was given restart nothing when they are the same', async () => {
  const made = await render(bundled())
  const password = secretValue(made, 'kanihook-redis/password') ?? ''
  const given = await render(bundled({ password }))
  assert.deepEqual(made.all('Deployment'), given.all('Deployment'))
})

test('two of them never write one volume', async () => {
  const { spec } = workload(await render(bundled()), 'kanihook-redis')
  assert.equal(spec.replicas, 1)
  assert.deepEqual(spec.strategy, { type: 'Recreate' })
})

test('its data is kept as is asked for', async () => {
  const claim = async (values: object) =>
    (await render(values)).all('PersistentVolumeClaim')[0]?.spec
  const sized = valuesTable.find(({ name }) => name === 'bundled Redis whose volume stays')
  const { storageClassName, resources } = (await claim(sized?.values ?? {})) ?? {}
  assert.deepEqual([storageClassName, resources], ['fast', { requests: { storage: '1Gi' } }])

  const existing = bundled({ persistence: { existingClaim: 'redis-data' } })
  assert.equal(await claim(existing), undefined)
  assert.equal((await volumeOf(existing))?.persistentVolumeClaim?.claimName, 'redis-data')

  const none = bundled({ persistence: { enabled: false } })
  assert.equal(await claim(none), undefined)
  assert.deepEqual((await volumeOf(none))?.emptyDir, {})
})

test('an upgrade of the chart that does not concern it leaves it running', async () => {
  const template = async (version: string) => {
    const values = { ...bundled({ password: 'a-password' }), image: { tag: version } }
    return workload(await render(values), 'kanihook-redis').spec.template
  }
  const labels = (await template('1.0.0')).metadata?.labels ?? {}
  assert.ok(!('helm.sh/chart' in labels) && !('app.kubernetes.io/version' in labels))
  assert.deepEqual(await template('1.0.0'), await template('2.0.0'))
})
