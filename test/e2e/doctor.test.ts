import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CoreV1Api, KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node'
import { Redis } from 'ioredis'
import { permissions } from '../../src/cluster/permissions.ts'
import { runDoctor, type DoctorRun } from '../support/kanihook-doctor.ts'
import { createWorld, rightLogin, wrongLogin, type World } from './support/world.ts'

/** `kanihook doctor` on the real cluster, registry, Gitea and Redis, as its operator would run it. */

let world: World
let folder: string
let admin: KubeConfig
let core: CoreV1Api
let rbac: RbacAuthorizationV1Api
/** What a test made, to be removed. */
const made: (() => Promise<unknown>)[] = []

before(async () => {
  world = await createWorld({
    repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/doctor"
    images: [{ name: app, destination: "${registry}/dev/doctor" }]
uploads:
  - { name: shop, destination: "${registry}/dev/doctor-upload", platforms: [linux/amd64, linux/arm64] }
`,
  })
  folder = await mkdtemp(join(tmpdir(), 'kanihook-doctor-e2e-'))
  admin = new KubeConfig()
  admin.loadFromFile(world.cluster.kubeconfig)
  core = admin.makeApiClient(CoreV1Api)
  rbac = admin.makeApiClient(RbacAuthorizationV1Api)
  const redis = new Redis(world.redis.url)
  await redis.config('SET', 'appendonly', 'yes')
  redis.disconnect()
})
after(async () => {
  for (const remove of made.toReversed()) await remove()
  if (folder) await rm(folder, { recursive: true, force: true })
  await world?.close()
})

/** Runs it with the settings of the kanihook that runs; no credential of the world may be in its lines. */
async function doctor(change: Readonly<Record<string, string>> = {}): Promise<DoctorRun> {
  const { gitea, registry } = world.cluster
  const ran = await runDoctor({ ...world.settings, ...change })
  for (const secret of [gitea.token, registry.password, world.webhookSecret]) {
    assert.ok(!`${ran.out}${ran.err}`.includes(secret), 'a credential is shown')
  }
  return ran
}

/** A kanihook.yaml of one image that is pushed with this Secret. */
async function configWith(pushSecret: string): Promise<Readonly<Record<string, string>>> {
  const { registry } = world.cluster
  const file = join(folder, `${pushSecret}.yaml`)
  await writeFile(
    file,
    `registries: [{ host: "${registry.host}", insecure: true }]
repositories:
  - match: "${world.forgeHost}/dev/doctor"
    images: [{ name: app, destination: "${registry.host}/dev/doctor", pushSecret: ${pushSecret} }]
`,
  )
  return { KANIHOOK_CONFIG: file }
}

/** The address of the machine may be a public one, and the world's URL is plain HTTP. */
const complaintsOf = ({ complaints }: DoctorRun): readonly string[] =>
  complaints.filter((line) => !line.includes('is plain HTTP'))

test('with right settings every line is fine, and each part of the surroundings has one', async () => {
  const ran = await doctor()
  assert.deepEqual(complaintsOf(ran), [], ran.out)
  assert.match(ran.out, /^✓ redis .* primary, noeviction, appendonly everysec/m)
  assert.match(
    ran.out,
    /^✓ cluster .*: v1\.\d+\.\d+\S*, as system:serviceaccount:.*:kanihook-worker$/m,
  )
  assert.match(ran.out, /^✓ cluster .*the account may do all that builds need$/m)
  assert.match(
    ran.out,
    /^✓ cluster .*the API accepts a build's Job; a build's Job for linux\/amd64, linux\/arm64; the Job that joins platforms \(/m,
  )
  assert.match(
    ran.out,
    new RegExp(
      `^✓ forge .*the token is ${world.cluster.gitea.username}'s, with write:repository`,
      'm',
    ),
  )
  assert.match(
    ran.out,
    new RegExp(
      `^✓ registry .*the Secret ${rightLogin} may push to dev/doctor, dev/doctor-upload$`,
      'm',
    ),
  )
  assert.match(ran.out, /^✓ public-url .*leads to kanihook$/m)
  assert.match(ran.out, /^✓ clock .*Redis, the Kubernetes API, /m)
  assert.ok(ran.code === 0 || ran.complaints.length > 0)
})

test('no Job is left behind, and no image', async () => {
  await doctor()
  const { registry } = world.cluster
  const jobs = await world.jobs()
  assert.deepEqual(
    jobs.filter((job) => JSON.stringify(job.metadata?.annotations).includes('kanihook/doctor')),
    [],
  )
  assert.equal(await world.image.digest(`${registry.host}/dev/doctor:main`), undefined)
})

test('a login that the registry refuses, and one that is not there, is named by its Secret', async () => {
  const wrong = await doctor(await configWith(wrongLogin))
  assert.match(
    wrong.out,
    new RegExp(`^✗ registry .*refuses the login of the Secret ${wrongLogin} \\(401`, 'm'),
  )
  assert.equal(wrong.code, 2)
  const missing = await doctor(await configWith('registry-nowhere'))
  assert.match(
    missing.out,
    /^✗ registry .*there is no Secret registry-nowhere in \S+ → kubectl -n \S+ create secret docker-registry registry-nowhere /m,
  )
})

test('a cloneSecret that reads its repository is told apart from one that does not', async () => {
  const { gitea, namespace } = world.cluster
  const { path } = await world.repository('doctor-clone')
  for (const [name, password] of [
    ['doctor-clone', gitea.token],
    ['doctor-clone-wrong', 'no-such-token'],
  ] as const) {
    const type = 'kubernetes.io/basic-auth'
    const stringData = { username: 'oauth2', password }
    await core.createNamespacedSecret({ namespace, body: { metadata: { name }, type, stringData } })
    made.push(() => core.deleteNamespacedSecret({ name, namespace }))
  }
  const lines: string[] = []
  for (const cloneSecret of ['doctor-clone', 'doctor-clone-wrong', 'doctor-clone-none']) {
    const KANIHOOK_CONFIG = join(folder, `${cloneSecret}.yaml`)
    await writeFile(
      KANIHOOK_CONFIG,
      `repositories: [{ match: "${world.forgeHost}/${path}", cloneSecret: ${cloneSecret}, destination: "${world.cluster.registry.host}/dev/doctor" }]`,
    )
    const { out } = await doctor({ KANIHOOK_CONFIG })
    lines.push(out.split('\n').find((line) => line.includes(`cloneSecret ${cloneSecret}:`)) ?? '')
  }
  const [right = '', wrong = '', none = ''] = lines
  assert.match(right, new RegExp(`^✓ forge .*: its token reads \\S+/${path}$`))
  assert.match(wrong, /^✗ forge .*: Git refused access to .*: check Secret doctor-clone-wrong \(/)
  assert.match(none, /^✗ forge .*: there is no such Secret in \S+ → kubectl -n \S+ create secret /)
})

test('a Role without pods/log is told by name, with the rule to add', async () => {
  const KUBECONFIG = await accountWith(
    permissions.filter(({ resource }) => resource !== 'pods/log'),
  )
  const ran = await doctor({ KUBECONFIG })
  assert.deepEqual(complaintsOf(ran), [
    ran.out.split('\n').find((line) => line.includes('the account may not get pods/log')) ?? '',
  ])
  assert.match(ran.out, /resources: \["pods\/log"\], verbs: \[get\] \}$/m)
  assert.equal(ran.code, 2)
})

test('an administrator is told that this is more than builds need', async () => {
  const ran = await doctor({ KUBECONFIG: world.cluster.kubeconfig })
  assert.match(ran.out, /^! cluster .*the account may do anything, which kanihook does not need/m)
})

test('a namespace that enforces restricted, and a quota that refuses every build, are named', async () => {
  const name = `kanihook-doctor-${randomBytes(3).toString('hex')}`
  const labels = {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
  }
  await core.createNamespace({ body: { metadata: { name, labels } } })
  made.push(() => core.deleteNamespace({ name }))
  await core.createNamespacedResourceQuota({
    namespace: name,
    body: { metadata: { name: 'builds' }, spec: { hard: { 'limits.memory': '4Gi' } } },
  })
  const ran = await doctor({ KUBECONFIG: world.cluster.kubeconfig, BUILD_NAMESPACE: name })
  assert.match(ran.out, /^✗ cluster .*Pod Security enforces restricted there/m)
  assert.match(ran.out, /^! cluster .*would violate PodSecurity "restricted:/m)
  assert.match(
    ran.out,
    /^✗ cluster .*ResourceQuota builds refuses every pod that does not state limits\.memory/m,
  )
  assert.equal(ran.code, 2)
})

/** A kubeconfig of a new account with these permissions in the namespace of the builds. */
async function accountWith(rules: typeof permissions): Promise<string> {
  const { namespace } = world.cluster
  const name = `doctor-${randomBytes(3).toString('hex')}`
  const metadata = { name, namespace }
  await core.createNamespacedServiceAccount({ namespace, body: { metadata } })
  made.push(() => core.deleteNamespacedServiceAccount({ name, namespace }))
  await rbac.createNamespacedRole({
    namespace,
    body: {
      metadata,
      rules: rules.map(({ group, resource, verbs }) => ({
        apiGroups: [group],
        resources: [resource],
        verbs: [...verbs],
      })),
    },
  })
  made.push(() => rbac.deleteNamespacedRole({ name, namespace }))
  await rbac.createNamespacedRoleBinding({
    namespace,
    body: {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  })
  made.push(() => rbac.deleteNamespacedRoleBinding({ name, namespace }))
  const { status } = await core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [], expirationSeconds: 3600 } },
  })
  const server = admin.getCurrentCluster()
  assert.ok(server && status?.token)
  const config = new KubeConfig()
  config.loadFromClusterAndUser(server, { name, token: status.token })
  const file = join(folder, `${name}.conf`)
  await writeFile(file, config.exportConfig(), { mode: 0o600 })
  return file
}
