import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { suite, test } from 'node:test'
import { forges } from '../../src/forges/index.ts'
import { parseConfig } from '../../src/settings/config-file.ts'
import { readEnvironment } from '../../src/settings/environment.ts'
import { render, type Rendered } from './render.ts'
import { tryingOut, usual, valuesTable } from './values-table.ts'
import {
  environmentOf,
  secretFiles,
  secretValue,
  workload,
  workloads,
  type Workload,
} from './workloads.ts'

const allForges = valuesTable.find(({ name }) => name.startsWith('all three forges'))?.values ?? {}

const filesOf = (rendered: Rendered, name: string): string[] =>
  [...secretFiles(workload(rendered, name)).values()].toSorted()

test('the receiver holds no login of a forge', async () => {
  assert.deepEqual(filesOf(await render(allForges), 'kanihook-receiver'), [
    'admin/admin-tokens',
    'gitea/webhook-secrets',
    'github/hooks',
    'kanihook/gitlab-webhook-secrets',
    'kanihook/link-secrets',
    'kanihook/redis-url',
  ])
})

test('the worker holds the logins of the forges as well', async () => {
  const rendered = await render(allForges)
  const receiver = filesOf(rendered, 'kanihook-receiver')
  const more = filesOf(rendered, 'kanihook-worker').filter((file) => !receiver.includes(file))
  assert.deepEqual(more, ['gitea/token', 'github-app/private-key', 'gitlab/token'])
})

test('secrets are files that kanihook’s user alone reads, never variables', async () => {
  const rendered = await render(tryingOut)
  const { pod, container } = workload(rendered, 'kanihook')
  const volume = pod.volumes?.find(({ name }) => name === 'secrets')
  assert.equal(volume?.projected?.defaultMode, 0o440)
  assert.equal(pod.securityContext?.fsGroup, pod.securityContext?.runAsGroup)
  const variables = container.env ?? []
  assert.deepEqual(
    variables.filter(({ valueFrom }) => valueFrom),
    [],
  )
  const secrets = ['a-webhook-secret-for-tests', 'a-token-for-tests', 'push-me']
  const said = JSON.stringify(rendered.objects.filter(({ kind }) => kind !== 'Secret'))
  assert.deepEqual(
    secrets.filter((secret) => said.includes(secret)),
    [],
  )
})

test('the push login is in the build namespace, and in no pod of kanihook', async () => {
  const rendered = await render(tryingOut)
  const made = rendered.one('Secret', 'registry-credentials')
  assert.equal(made.metadata.namespace, 'kanihook-builds')
  assert.equal(made.type, 'kubernetes.io/dockerconfigjson')
  const text = Buffer.from(made.data?.['.dockerconfigjson'] ?? '', 'base64').toString('utf8')
  assert.deepEqual(JSON.parse(text), {
    auths: {
      'registry.acme.test': {
        username: 'pusher',
        password: 'push-me',
        auth: Buffer.from('pusher:push-me').toString('base64'),
      },
    },
  })
  assert.ok(![...workloads(rendered).values()].some(mentions('registry-credentials')))
})

const mentions =
  (text: string) =>
  ({ pod }: Workload): boolean =>
    JSON.stringify(pod).includes(text)

test('the secrets of entries are in the receiver alone, as a folder that follows its Secret', async () => {
  const { values } = valuesTable.find(({ name }) => name === 'secrets of entries alone')!
  const rendered = await render(values)
  const { pod, container } = workload(rendered, 'kanihook-receiver')
  const volume = pod.volumes?.find(({ secret }) => secret?.secretName === 'tenants')
  assert.equal(volume?.secret?.defaultMode, 0o440)
  const mount = container.volumeMounts?.find(({ name }) => name === volume?.name)
  assert.equal(mount?.subPath, undefined)
  assert.equal(mount?.readOnly, true)
  const variables = environmentOf(workload(rendered, 'kanihook-receiver'))
  assert.equal(variables['WEBHOOK_SECRETS_DIR'], mount?.mountPath)
  assert.ok(!mentions('tenants')(workload(rendered, 'kanihook-worker')))
})

test('nothing is made of secrets that are there already', async () => {
  assert.deepEqual((await render(usual)).all('Secret'), [])
})

test('each setting arrives at the worker', async () => {
  const settings = {
    logLevel: 'warn',
    logFormat: 'pretty',
    maxBuilds: 7,
    maxBuildsPerRepository: 3,
    pages: 'off',
    kanikoImage: 'registry.acme.test/kaniko:v1',
    kanikoShell: '/busybox/sh',
    cloneImage: 'registry.acme.test/clone:v1',
    publishImage: 'registry.acme.test/crane:v1',
  }
  const times = {
    buildRetention: '2h',
    logRetention: '1h',
    shutdownTimeout: '40s',
    sweepInterval: 'off',
  }
  const buildNamespace = 'acme-builds'
  const rendered = await render({
    ...usual,
    settings: { ...settings, ...times },
    buildNamespace: { name: buildNamespace },
  })
  const read = readEnvironment(environmentOf(workload(rendered, 'kanihook-worker')), {
    forges,
    readFile: someSecret,
  })
  const wanted = {
    ...settings,
    buildNamespace,
    buildRetentionMs: 7_200_000,
    logRetentionMs: 3_600_000,
    shutdownTimeoutMs: 40_000,
    sweepIntervalMs: 0,
  }
  const names = Object.keys(wanted) as (keyof typeof wanted)[]
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, read[name]])), wanted)
})

const { privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

/** What somebody else's Secret could hold in a file of that name. */
function someSecret(path: string): string {
  if (path.endsWith('redis-url')) return 'redis://redis.acme.test:6379'
  if (path.endsWith('private-key')) return privateKey
  return 'a-secret-of-somebody-else'
}

suite('kanihook takes the environment and the kanihook.yaml that the chart gives it', () => {
  for (const { name, values } of valuesTable) {
    test(name, async () => {
      const rendered = await render(values)
      const own = [...workloads(rendered).values()].filter(
        ({ labels }) => labels['app.kubernetes.io/component'] !== 'redis',
      )
      for (const each of own) {
        const files = secretFiles(each)
        const read = (path: string): string => {
          const reference = files.get(path)
          if (reference === undefined) throw new Error(`${path} is not mounted`)
          return secretValue(rendered, reference) ?? someSecret(path)
        }
        const settings = readEnvironment(environmentOf(each), { forges, readFile: read })
        assert.deepEqual(settings.warnings, [])
        assert.equal(settings.publicUrl, values['publicUrl'])
        const on = Object.keys(values['forges'] as object)
        assert.deepEqual([...settings.forges.keys()].toSorted(), on.toSorted())
      }
      for (const { metadata, data } of rendered.all('ConfigMap')) {
        const text = data?.['kanihook.yaml']
        if (text === undefined) continue
        assert.equal(parseConfig(text, metadata.name).entries.length, 1)
      }
    })
  }
})
