import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Build, ImagePlan } from '../builds/build.ts'
import { jobName } from '../builds/build.ts'
import type { JobRequest } from '../builds/ports.ts'
import { PermanentError } from '../errors.ts'
import { cloneScript } from './clone-script.ts'
import { readIdentity } from './job-identity.ts'
import { indexScript } from './index-script.ts'
import { publishScript } from './publish-script.ts'
import { scanScript } from './scan-script.ts'
import { jobManifest, type JobSettings } from './job-manifest.ts'
import { literal } from './literal.ts'
import { step, taskRunManifest } from './tekton/manifest.ts'
import { workspaceCheck } from './tekton/workspace-check.ts'
import { uploadScript } from './upload-script.ts'

const settings: JobSettings = {
  namespace: 'kanihook-builds',
  kanikoImage: 'registry.example.com/kaniko:v1.28.3',
  cloneImage: 'registry.example.com/git:2',
  scanImage: 'registry.example.com/trivy:4',
  publishImage: 'registry.example.com/crane:3',
  registries: [],
}

const plan: ImagePlan = {
  name: 'app',
  destinations: ['registry.example.com/acme/app:main'],
  context: '.',
  dockerfile: 'Dockerfile',
  target: undefined,
  buildArgs: {},
  labels: {},
  platform: undefined,
  resources: {},
  pushSecret: undefined,
  cache: { enabled: false, ttlMs: 0, repository: 'registry.example.com/acme/app/cache' },
  timeoutMs: 30 * 60_000,
  startTimeoutMs: 10 * 60_000,
  verbosity: 'info',
}

function request(change: Partial<Build> = {}, of: Partial<ImagePlan> = {}): JobRequest {
  const build: Build = {
    id: '0123456789abcdef',
    repository: { forge: 'gitea', id: '7', host: 'git.example.com', path: 'acme/app' },
    ref: 'refs/heads/main',
    sha: 'a'.repeat(40),
    generation: 3,
    image: 'app',
    attempt: 1,
    cause: 'delivery gitea-1',
    plan: { ...plan, ...of },
    state: 'starting',
    createdAt: 0,
    endedAt: undefined,
    steps: [],
    outcome: undefined,
    tries: 1,
    stop: undefined,
    protected: false,
    ...change,
  }
  const credential = undefined
  return { build, tries: 1, cloneUrl: 'https://git.example.com/acme/app.git', credential }
}

const full = request(
  { image: 'Web/API', ref: 'refs/tags/v1.2.3', attempt: 2 },
  {
    destinations: ['registry.example.com/acme/api:v1.2.3', 'registry.example.com/acme/api:1.2'],
    context: 'services/api',
    dockerfile: 'docker/Dockerfile.production',
    target: 'runtime',
    buildArgs: { VERSION: 'v1.2.3', PRICE: '$(HOME) $5' },
    secretBuildArgs: { NPM_TOKEN: { secret: 'npm', key: 'token' } },
    labels: { 'org.opencontainers.image.revision': 'a'.repeat(40) },
    platform: 'linux/arm64',
    resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { memory: '4Gi' } },
    nodeSelector: { 'acme.io/pool': 'builds', 'kubernetes.io/arch': 'amd64' },
    tolerations: [
      { key: 'acme.io/builds', value: 'only', effect: 'NoSchedule' },
      { operator: 'Exists', effect: 'NoExecute' },
    ],
    priorityClassName: 'builds',
    serviceAccountName: 'registry-pusher',
    pushSecret: 'registry-credentials',
    cache: {
      enabled: true,
      ttlMs: 168 * 3_600_000,
      repository: 'registry.example.com/acme/cache',
      copyLayers: true,
    },
    snapshotMode: 'redo',
    singleSnapshot: true,
    reproducible: true,
    compression: { type: 'zstd', level: 3 },
    verbosity: 'debug',
    logFormat: 'json',
  },
)

const apart = request(
  { ref: 'refs/heads/main' },
  {
    destinations: ['registry.example.com/acme/api:main', 'quay.io/acme/api:$(HOME)'],
    publish: 'apart',
    pushSecret: 'registry-credentials',
    pullSecret: 'registry-reader',
    cache: { enabled: true, ttlMs: 3_600_000, repository: 'registry.example.com/acme/cache' },
  },
)

const scanned = request(
  {},
  {
    publish: 'apart',
    pushSecret: 'registry-credentials',
    scan: {
      severities: ['CRITICAL', 'HIGH'],
      ignoreUnfixed: true,
      ignoreFile: 'security/.trivyignore',
      onFindings: 'fail',
      database: {
        repository: 'registry.example.com/mirror/trivy-db:2',
        javaRepository: 'registry.example.com/mirror/trivy-java-db:1',
        secret: 'mirror-reader',
      },
    },
  },
)

const platforms = ['linux/arm64', 'linux/amd64']
const several = request(
  {
    parts: {
      'linux/amd64': { tries: 1, digest: `sha256:${'a'.repeat(64)}` },
      'linux/arm64': { tries: 2, digest: `sha256:${'b'.repeat(64)}` },
    },
  },
  {
    destinations: [
      'registry.example.com:5000/acme/api:main',
      'registry.example.com:5000/acme/api:1.2',
      'quay.io/acme/api:main',
    ],
    platforms,
    publish: 'apart',
    pushSecret: 'registry-credentials',
    nodeSelector: { 'acme.io/pool': 'builds' },
  },
)

/** Fields of a plan that the first version did not write. */
const later = [
  'backend',
  'cloneSecret',
  'submodules',
  'lfs',
  'sparse',
  'secretBuildArgs',
  'nodeSelector',
  'tolerations',
  'priorityClassName',
  'serviceAccountName',
  'snapshotMode',
  'singleSnapshot',
  'reproducible',
  'compression',
  'logFormat',
  'publish',
  'pullSecret',
  'scan',
  'platforms',
  'crossBuild',
  'nodeTimeoutMs',
]

const registries = [
  { host: 'registry.example.com', insecure: true, skipTlsVerify: false, mirror: undefined },
  { host: 'self.example.com', insecure: false, skipTlsVerify: true, mirror: undefined },
  { host: 'docker.io', insecure: false, skipTlsVerify: false, mirror: 'mirror.example.com' },
  { host: 'quay.io', insecure: false, skipTlsVerify: false, mirror: 'mirror.example.com/quay' },
]

const withLogin = {
  ...full,
  tries: 2,
  credential: { username: 'x-access-token', password: 'the-git-password' },
}

/** Compares the whole object; `UPDATE_GOLDEN=1` writes it anew, to be read before it is kept. */
function assertGolden(name: string, manifest: object, script = literal(cloneScript)): void {
  const file = join(import.meta.dirname, 'golden', `${name}.json`)
  // Scripts have tests of their own, and are unreadable as JSON.
  const scripts = {
    cloneScript: script,
    uploadScript: literal(uploadScript),
    scanScript: literal(scanScript),
    publishScript: literal(publishScript),
    indexScript: literal(indexScript),
  }
  const text = Object.entries(scripts).reduce(
    (json, [name, source]) => json.replace(JSON.stringify(source).slice(1, -1), () => `<${name}>`),
    JSON.stringify(manifest, undefined, 2),
  )
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, `${text}\n`)
  assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(file, 'utf8')))
}

const containers = (manifest: ReturnType<typeof jobManifest>) => {
  const { initContainers = [], containers: all = [] } = manifest.spec?.template.spec ?? {}
  return { clone: initContainers[0], build: all[0] }
}

describe("a build's Job", () => {
  it('is this, for the simplest build', () => {
    assertGolden('simple', jobManifest(request(), settings))
  })

  it('is this, with everything that an image may say', () => {
    assertGolden('full', jobManifest(withLogin, { ...settings, registries }))
  })

  it('is this, for an upload', () => {
    const upload = { id: '0123456789abcdef', bytes: 4096 }
    const repository = { forge: 'upload', id: 'try', host: 'upload', path: 'try' }
    const change = { repository, ref: `refs/uploads/${upload.id}`, sha: 'ab'.repeat(32) }
    const cloneUrl = `http://10.1.2.3:9091/uploads/${upload.id}`
    const credential = { username: 'upload', password: 'the-token-of-the-upload' }
    const own = { upload, dockerfile: 'docker/Dockerfile' }
    const manifest = jobManifest({ ...request(change, own), cloneUrl, credential }, settings)
    assertGolden('upload', manifest)
    assert.ok(!JSON.stringify(manifest).includes(credential.password))
  })

  it('is this, where a container of its own publishes', () => {
    assertGolden('apart', jobManifest(apart, { ...settings, registries }))
  })

  it('is this, where it is scanned before it is published', () => {
    assertGolden('scanned', jobManifest(scanned, { ...settings, registries }))
  })

  it('gives the container that scans no login but that of its database', () => {
    const { initContainers = [] } = jobManifest(scanned, settings).spec!.template.spec!
    assert.deepEqual(
      initContainers.map(({ name }) => name),
      ['clone', 'build', 'scan'],
    )
    const { volumeMounts = [] } = initContainers.at(-1)!
    const written = volumeMounts.filter(({ readOnly }) => !readOnly).map(({ name }) => name)
    assert.deepEqual(
      volumeMounts.map(({ name }) => name),
      ['image', 'context', 'scan', 'database-login'],
    )
    assert.deepEqual(written, ['scan'])
    const others = initContainers.slice(0, 2).flatMap(({ volumeMounts: mounts = [] }) => mounts)
    assert.ok(!others.some(({ name }) => name === 'scan' || name === 'database-login'))
  })

  it('gives the push login to the container that publishes, and to no other', () => {
    const { initContainers = [], containers: all } = jobManifest(apart, settings).spec!.template
      .spec!
    const mounting = (volume: string) =>
      [...initContainers, ...all]
        .filter(({ volumeMounts = [] }) => volumeMounts.some(({ name }) => name === volume))
        .map(({ name }) => name)
    assert.deepEqual(mounting('push-login'), ['publish'])
    assert.deepEqual(mounting('registry-login'), ['build'])
    const volumes = jobManifest(apart, settings).spec!.template.spec!.volumes ?? []
    const secretOf = (volume: string) => volumes.find(({ name }) => name === volume)?.secret
    assert.equal(secretOf('push-login')?.secretName, 'registry-credentials')
    assert.equal(secretOf('registry-login')?.secretName, 'registry-reader')
  })

  it('is this, with its containers started together', () => {
    assertGolden('together', jobManifest(request(), { ...settings, kanikoShell: '/busybox/sh' }))
  })

  it('is this for one of several platforms, which it pushes by digest alone', () => {
    const manifest = jobManifest({ ...several, part: 'linux/arm64' }, { ...settings, registries })
    assertGolden('platform', manifest)
    const { name = '' } = manifest.metadata ?? {}
    assert.equal(name, 'kanihook-app-0123456789abcdef-1-arm64')
  })

  it('is this for the index of several platforms, in their order', () => {
    assertGolden('index', jobManifest({ ...several, part: 'index' }, { ...settings, registries }))
  })

  it('runs on any node with crossBuild', () => {
    const on = (crossBuild: boolean) =>
      jobManifest(request({}, { platform: 'linux/arm64', crossBuild }), settings).spec!.template
        .spec!.nodeSelector
    assert.deepEqual(on(true), { 'kubernetes.io/os': 'linux' })
    assert.deepEqual(on(false), { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm64' })
  })

  it('has a name of at most 63 characters, and another one for each platform', () => {
    const longest = { id: '0123456789abcdef', image: 'x'.repeat(63) }
    const names = [
      'linux/arm64/v8',
      'linux/mips64r6el/v12',
      'linux/arm/v6',
      'linux/arm/v7',
      'index',
    ].map((part) => jobName(longest, 3, part))
    for (const name of names) assert.match(name, /^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/)
    assert.equal(new Set(names).size, names.length)
  })

  it('names the login and does not hold it', () => {
    const text = JSON.stringify(jobManifest(withLogin, settings))
    assert.ok(!text.includes('the-git-password'))
    const { clone, build } = containers(jobManifest(withLogin, settings))
    const refs = clone?.env?.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? [])
    assert.deepEqual(
      refs?.map(({ name }) => name),
      Array.from({ length: 2 }, () => jobName(withLogin.build, 2)),
    )
    assert.ok(!JSON.stringify(build).includes('GIT_'))
  })

  it('takes a build argument from its Secret by the environment, where only its name is an argument', () => {
    const secretBuildArgs = { NPM_TOKEN: { secret: 'npm', key: 'token' } }
    const { clone, build } = containers(jobManifest(request({}, { secretBuildArgs }), settings))
    assert.deepEqual(build?.env, [
      { name: 'NPM_TOKEN', valueFrom: { secretKeyRef: { name: 'npm', key: 'token' } } },
    ])
    assert.deepEqual(
      build?.args?.filter((arg) => arg.startsWith('--build-arg')),
      ['--build-arg=NPM_TOKEN'],
    )
    assert.ok(!JSON.stringify(clone).includes('npm'))
  })

  it('mounts no token of the Kubernetes API, whoever the pod is', () => {
    for (const change of [{}, { serviceAccountName: 'registry-pusher' }]) {
      const { template } = jobManifest(request({}, change), settings).spec!
      assert.equal(template.spec?.automountServiceAccountToken, false)
      assert.equal(template.spec.serviceAccountName, change.serviceAccountName)
      const azure = template.metadata?.labels?.['azure.workload.identity/use']
      assert.equal(azure, change.serviceAccountName === undefined ? undefined : 'true')
    }
  })

  it('lets no text of others reach for a variable of the container', () => {
    const ref = 'refs/heads/$(GIT_PASSWORD)'
    const { clone, build } = containers(
      jobManifest(request({ ref }, { buildArgs: { A: '$(DOCKER_CONFIG)' } }), settings),
    )
    assert.equal(clone?.args?.[2], 'refs/heads/$$(GIT_PASSWORD)')
    assert.ok(build?.args?.includes('--build-arg=A=$$(DOCKER_CONFIG)'))
  })

  it('carries what its record is rebuilt from', () => {
    const { annotations = {} } = jobManifest(withLogin, settings).metadata ?? {}
    const identity = readIdentity(annotations)
    const { id, repository, ref, sha, generation, image, attempt, cause, plan: made } = full.build
    const expected = { id, repository, ref, sha, generation, image, attempt, cause, plan: made }
    assert.deepEqual(identity, { build: expected, tries: 2 })
    assert.equal(readIdentity({}), undefined)
  })

  it('is read though an older version wrote it, which knew fewer options', () => {
    const { annotations = {} } = jobManifest(request(), settings).metadata ?? {}
    const made = JSON.parse(annotations['kanihook.dev/plan'] ?? '') as Record<string, unknown>
    for (const key of later) assert.ok(!(key in made), key)
    const read = readIdentity(annotations)
    assert.ok(read)
    const again = { ...request(), build: { ...request().build, ...read.build } }
    assert.deepEqual(jobManifest(again, settings), jobManifest(request(), settings))
  })

  it('has valid labels, whatever the image is called', () => {
    for (const image of ['Web/API', '-a-', 'x'.repeat(200), 'ü', 'a b']) {
      const { labels = {}, name = '' } = jobManifest(request({ image }), settings).metadata ?? {}
      for (const value of Object.values(labels)) {
        assert.match(value, /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/)
      }
      assert.match(name, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
    }
  })

  it('is never made for a path outside the repository', () => {
    for (const path of ['..', '../etc', 'a/../../etc', '/etc/passwd', 'a/../..', 'a\0b']) {
      for (const change of [{ context: path }, { dockerfile: path }]) {
        assert.throws(() => jobManifest(request({}, change), settings), PermanentError, path)
      }
    }
    const { build } = containers(jobManifest(request({}, { context: 'a/../b/' }), settings))
    assert.equal(build?.args?.[0], '--context=dir:///kanihook/context/b')
  })

  it('is made for the head of a pull request, whose build puts no layer into the cache', () => {
    const cache = { ...plan.cache, enabled: true, ttlMs: 3_600_000 }
    for (const ref of ['refs/pull/12/head', 'refs/merge-requests/12/head']) {
      const readOnly = request({ ref }, { cache: { ...cache, readOnly: true } })
      const { clone, build } = containers(jobManifest(readOnly, settings))
      assert.equal(clone?.args?.[2], ref)
      assert.ok(build?.args?.includes('--cache=true'))
      assert.ok(build?.args?.includes('--no-push-cache=true'))
    }
    const ofBranch = containers(jobManifest(request({}, { cache }), settings)).build
    assert.ok(!ofBranch?.args?.some((arg) => arg.startsWith('--no-push-cache')))
  })

  it('is never made for a ref or a commit that git could take for something else', () => {
    const refs = ['--upload-pack=id', 'main', 'refs/heads/', 'refs/heads/a:b', 'refs/heads/a b']
    for (const ref of [
      ...refs,
      'refs/heads/a\nb',
      'refs/heads/*',
      'refs/pull/x/head',
      'refs/pull/1/merge',
    ]) {
      assert.throws(() => jobManifest(request({ ref }), settings), PermanentError, ref)
    }
    for (const sha of ['HEAD', '--help', 'a'.repeat(39), 'A'.repeat(40), `${'a'.repeat(40)}\n`]) {
      assert.throws(() => jobManifest(request({ sha }), settings), PermanentError, sha)
    }
  })

  it('is this, for a clone by SSH with the key in a Secret', () => {
    const cloneUrl = 'ssh://git@git.example.com:2222/acme/app.git'
    const change = { cloneSecret: 'git-key', pushSecret: 'registry-credentials' }
    assertGolden('ssh', jobManifest({ ...request({}, change), cloneUrl }, settings))
  })

  it('lets the clone alone have the token of a Secret, by the environment', () => {
    const manifest = jobManifest(request({}, { cloneSecret: 'git-token' }), settings)
    const { clone, build } = containers(manifest)
    assert.deepEqual(
      clone?.env?.flatMap(({ name, valueFrom }) => {
        const { secretKeyRef } = valueFrom ?? {}
        return secretKeyRef ? [[name, secretKeyRef.name, secretKeyRef.key]] : []
      }),
      [
        ['GIT_USERNAME', 'git-token', 'username'],
        ['GIT_PASSWORD', 'git-token', 'password'],
      ],
    )
    assert.ok(!JSON.stringify([build, manifest.spec?.template.spec?.volumes]).includes('git-token'))
  })

  it('clones over HTTP and SSH only, from a URL that holds no password', () => {
    const urls = [
      'https://u:p@git.example.com/a',
      'ssh://git:p@git.example.com/a',
      'ssh://git.example.com/a',
      'git://git.example.com/a',
      'file:///etc',
    ]
    for (const cloneUrl of urls) {
      assert.throws(
        () => jobManifest({ ...request(), cloneUrl }, settings),
        PermanentError,
        cloneUrl,
      )
    }
  })

  it('binds the login to the host that is configured, with its port', () => {
    const cloneUrl = 'https://git.example.com:8443/acme/app.git'
    const { clone } = containers(jobManifest({ ...request(), cloneUrl }, settings))
    assert.deepEqual(clone?.args?.slice(0, 2), [cloneUrl, 'https://git.example.com:8443'])
  })
})

describe("a build's TaskRun", () => {
  const report = '/tekton/results/clone'
  const clone = `touch ${report}\n${cloneScript.replaceAll('/dev/termination-log', report)}`
  const script = literal(clone + workspaceCheck).replaceAll('$$(', () => '$(KANIHOOK_DOLLAR)(')

  it('is this, for the simplest build', () => {
    assertGolden('task-run-simple', taskRunManifest(request(), settings), script)
  })

  it('is this, with everything that an image may say', () => {
    const run = taskRunManifest(withLogin, { ...settings, registries })
    assertGolden('task-run-full', run, script)
  })

  it('runs on any node with crossBuild', () => {
    const on = (crossBuild: boolean) =>
      jobManifest(request({}, { platform: 'linux/arm64', crossBuild }), settings).spec!.template
        .spec!.nodeSelector
    assert.deepEqual(on(true), { 'kubernetes.io/os': 'linux' })
    assert.deepEqual(on(false), { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm64' })
  })

  it('names the login and does not hold it', () => {
    const run = taskRunManifest(withLogin, settings)
    assert.ok(!JSON.stringify(run).includes('the-git-password'))
    const [clone, build] = run.spec.taskSpec.steps
    assert.ok(JSON.stringify(clone).includes('GIT_PASSWORD'))
    assert.ok(!JSON.stringify(build).includes('GIT_PASSWORD'))
  })

  it('lets no text of others reach for what Tekton or Kubernetes would fill in', () => {
    const ref = 'refs/heads/$(context.taskRun.name)'
    const buildArgs = { A: '$(params.x)', B: '$$(DOCKER_CONFIG)$', C: '$5' }
    const { steps } = taskRunManifest(request({ ref }, { buildArgs }), settings).spec.taskSpec
    const texts = steps.flatMap(({ args }) => args as string[])
    for (const text of texts) assert.doesNotMatch(text, /\$\([a-z]/)
    const filled = texts.map((text) => expanded(text, { KANIHOOK_DOLLAR: '$' }))
    for (const wanted of [ref, '--build-arg=A=$(params.x)', '--build-arg=B=$$(DOCKER_CONFIG)$']) {
      assert.ok(filled.includes(wanted), wanted)
    }
    assert.ok(filled.includes('--build-arg=C=$5'))
  })

  it('gives each step a command, without which Tekton asks the registry for one', () => {
    assert.deepEqual(step({ name: 'build', image: 'kaniko' })['command'], ['/kaniko/executor'])
    assert.deepEqual(step({ name: 'clone', command: ['sh'] })['command'], ['sh'])
  })

  it('is not made where its end could not be told, or Tekton would choke on it', () => {
    const destinations = Array.from({ length: 40 }, (_, tag) => `registry.example.com/a/b:${tag}`)
    assert.throws(() => taskRunManifest(request({}, { destinations }), settings), PermanentError)
    assert.ok(jobManifest(request({}, { destinations }), settings))
    const resources = { limits: { memory: 'a lot' } }
    assert.throws(() => taskRunManifest(request({}, { resources }), settings), PermanentError)
  })
})

/** As the kubelet fills in a container's arguments. */
const expanded = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (values[name] ?? whole),
  )
