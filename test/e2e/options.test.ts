import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  CoreV1Api,
  KubeConfig,
  SchedulingV1Api,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node'
import { eventually } from '../support/eventually.ts'
import { everythingIn } from '../support/redis-contents.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'
import type { TestRepository } from './support/repository.ts'

/** What an image may say about its build, and what the cluster and the registry then have. */

let world: World
let core: CoreV1Api
let scheduling: SchedulingV1Api
let node: string

const tokenSecret = 'kanihook-options-test'
const token = `token-${randomBytes(12).toString('hex')}`
const account = 'kanihook-options-test'
const priorityClass = 'kanihook-options-test'
const taint = { key: 'kanihook.dev/options-test', value: 'builds', effect: 'NoSchedule' }

before(async () => {
  const cluster = await runningCluster()
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(cluster.kubeconfig)
  core = kubeConfig.makeApiClient(CoreV1Api)
  scheduling = kubeConfig.makeApiClient(SchedulingV1Api)
  node = (await core.listNode()).items[0]?.metadata?.name ?? ''
  world = await createWorld({
    repositories: ({ registry, forgeHost }) => {
      const image = (settings: string): string => `
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"], ${settings} }]`
      const tolerations = `tolerations: [{ key: ${taint.key}, value: ${taint.value}, effect: ${taint.effect} }]`
      return `
  - match: "${forgeHost}/dev/placed-*"${image(`nodeSelector: { kubernetes.io/hostname: "${node}" }, ${tolerations}, priorityClassName: ${priorityClass}`)}
  - match: "${forgeHost}/dev/placeless-*"${image('timeout: 5m')}
  - match: "${forgeHost}/dev/untolerated-*"${image('startTimeout: 3s')}
  - match: "${forgeHost}/dev/nowhere-*"${image('startTimeout: 3s, nodeSelector: { acme.io/pool: none }')}
  - match: "${forgeHost}/dev/no-class-*"${image('priorityClassName: not-there')}
  - match: "${forgeHost}/dev/limit-*"${image('resources: { limits: { memory: 4Gi } }')}
  - match: "${forgeHost}/dev/request-*"${image('resources: { requests: { memory: 400Mi } }')}
  - match: "${forgeHost}/dev/quota-*"${image('startTimeout: 8s, resources: { requests: { memory: 400Mi } }')}
  - match: "${forgeHost}/dev/argument-*"${image(`verbosity: trace, buildArgs: { TOKEN: { secret: ${tokenSecret}, key: token } }`)}
  - match: "${forgeHost}/dev/no-secret-*"${image('buildArgs: { TOKEN: { secret: not-there, key: token } }')}
  - match: "${forgeHost}/dev/no-key-*"${image(`buildArgs: { TOKEN: { secret: ${tokenSecret}, key: other } }`)}
  - match: "${forgeHost}/dev/account-*"${image(`serviceAccountName: ${account}`)}
  - match: "${forgeHost}/dev/no-account-*"${image('serviceAccountName: not-there')}
  - match: "${forgeHost}/dev/layers-*"${image('cache: { enabled: true, copyLayers: true }, snapshotMode: redo, compression: { type: zstd, level: 3 }')}
  - match: "${forgeHost}/dev/reproducible-*"${image('reproducible: true')}
  - match: "${forgeHost}/dev/single-*"${image('singleSnapshot: true, compression: { level: 9 }')}
  - match: "${forgeHost}/dev/disk-*"${image('resources: { limits: { ephemeral-storage: 20Mi } }')}
`
    },
  })
})
after(async () => world.close())

/** Pushes a commit that is built and waits for its end. */
async function built(name: string, files: Record<string, string> = {}) {
  const repository = await world.repository(name)
  const sha = await repository.commit({
    Dockerfile: `FROM ${world.cluster.baseImage}\nRUN true\n`,
    ...files,
  })
  await repository.push('main')
  return { repository, ...(await world.ended(repository, sha)) }
}

async function jobOf({ path }: TestRepository): Promise<V1Job> {
  const job = (await world.jobs()).find(
    ({ metadata }) => metadata?.annotations?.['kanihook.dev/repository-path'] === path,
  )
  assert.ok(job, `${path} has no Job`)
  return job
}

async function podOf(repository: TestRepository): Promise<V1Pod> {
  const { metadata } = await jobOf(repository)
  const pod = (await world.pods()).find(
    (each) => each.metadata?.labels?.['kanihook.dev/job'] === metadata?.name,
  )
  assert.ok(pod, `${metadata?.name} has no pod`)
  return pod
}

describe("the place of a build's pod", () => {
  before(async () => {
    await scheduling.createPriorityClass({
      body: { metadata: { name: priorityClass }, value: 77, preemptionPolicy: 'Never' },
    })
    await setTaints([taint])
  })
  after(async () => {
    await setTaints([])
    await scheduling.deletePriorityClass({ name: priorityClass })
  })

  test('is what nodeSelector, tolerations and priorityClassName say', async () => {
    const { description, status, repository } = await built('placed')
    assert.equal(status, 'success', description)
    const { spec } = await podOf(repository)
    assert.equal(spec?.nodeSelector?.['kubernetes.io/hostname'], node)
    assert.equal(spec?.priority, 77)
    assert.ok(spec?.tolerations?.some(({ key }) => key === taint.key))
  })

  test('is not a node with a taint that is not tolerated', async () => {
    const { description, status } = await built('untolerated')
    assert.match(
      description,
      /^Not started within 3s: Unschedulable: .*had untolerated taint\(s\)$/,
    )
    assert.equal(status, 'error')
  })

  async function setTaints(taints: (typeof taint)[]): Promise<void> {
    const body = await core.readNode({ name: node })
    const others = body.spec?.taints?.filter(({ key }) => key !== taint.key) ?? []
    if (body.spec) body.spec.taints = [...others, ...taints]
    await core.replaceNode({ name: node, body })
  }
})

test('a build that no node has the labels for says so', async () => {
  const { description, status } = await built('nowhere')
  assert.match(
    description,
    /^Not started within 3s: Unschedulable: .*didn't match Pod's node affinity\/selector$/,
  )
  assert.equal(status, 'error')
})

describe('a pod that the API server never makes ends its build at once, and says what to change', () => {
  const namespace = (): string => world.cluster.namespace

  test('a priority class that is not there', async () => {
    const { description, status } = await built('no-class')
    assert.equal(
      description,
      'There is no PriorityClass not-there: create it, or change priorityClassName',
    )
    assert.equal(status, 'error')
  })

  test('a LimitRange', async () => {
    const name = 'kanihook-options-test'
    await core.createNamespacedLimitRange({
      namespace: namespace(),
      body: {
        metadata: { name },
        spec: {
          limits: [{ type: 'Container', max: { memory: '1Gi' }, _default: { memory: '256Mi' } }],
        },
      },
    })
    try {
      const [limit, request] = await Promise.all([built('limit'), built('request')])
      assert.equal(
        limit.description,
        'A LimitRange allows at most 1Gi of memory per Container: lower resources.limits.memory (4Gi)',
      )
      assert.equal(
        request.description,
        'A LimitRange gives a limit of 256Mi of memory, less than resources.requests.memory (400Mi): set resources.limits.memory',
      )
      assert.deepEqual([limit.status, request.status], ['error', 'error'])
    } finally {
      await core.deleteNamespacedLimitRange({ namespace: namespace(), name })
    }
  })

  test('a quota is waited for, as long as a start may take, and says what it lacks', async () => {
    const name = 'kanihook-options-test'
    await core.createNamespacedResourceQuota({
      namespace: namespace(),
      body: { metadata: { name }, spec: { hard: { 'requests.memory': '100Mi' } } },
    })
    try {
      const { description, status } = await built('quota')
      assert.match(
        description,
        /^Not started within 8s: quota kanihook-options-test: the build asks for .*requests\.memory/,
      )
      assert.equal(status, 'error')
    } finally {
      await core.deleteNamespacedResourceQuota({ namespace: namespace(), name })
    }
  })
})

test('the files of the clone count as disk of the build', async () => {
  const { description, status } = await built('disk', {
    Dockerfile: `FROM ${world.cluster.baseImage}\nRUN sleep 200\n`,
    'large.bin': 'x'.repeat(40 * 1024 * 1024),
  })
  assert.equal(
    description,
    'Out of disk space (limit 20Mi): raise resources.limits.ephemeral-storage',
  )
  assert.equal(status, 'failure')
})

describe('a build argument from a Secret', () => {
  before(async () => {
    await core.createNamespacedSecret({
      namespace: world.cluster.namespace,
      body: { metadata: { name: tokenSecret }, stringData: { token } },
    })
  })
  after(async () => {
    await core.deleteNamespacedSecret({ namespace: world.cluster.namespace, name: tokenSecret })
  })

  test('reaches the RUN steps that ask for it, and is nowhere else', async () => {
    const { description, status, repository, target_url } = await built('argument', {
      Dockerfile: `FROM ${world.cluster.baseImage}
ARG TOKEN
RUN echo "the token is $TOKEN" && printf %s "$TOKEN" | sha256sum > /proof.txt
`,
    })
    assert.equal(status, 'success', description)
    const reference = `${world.cluster.registry.host}/${repository.path}:main`
    const proof = await world.image.file(reference, 'proof.txt')
    assert.equal(proof.split(' ')[0], createHash('sha256').update(token).digest('hex'))

    const page = await (await fetch(target_url)).text()
    assert.match(page, /the token is \*\*\*/)
    const places = {
      page,
      image: await world.image.description(reference),
      job: JSON.stringify(await jobOf(repository)),
      pod: JSON.stringify(await podOf(repository)),
      statuses: JSON.stringify(
        await repository.statuses(await repository.git('rev-parse', 'HEAD')),
      ),
      "kanihook's output": world.kanihook.output.join('\n'),
      redis: await everythingIn(world.redis.url),
    }
    assert.match(places.redis, /the token is \*\*\*/)
    for (const [place, text] of Object.entries(places)) {
      assert.ok(text.length > 100, place)
      assert.ok(!text.includes(token), `the token is in: ${place}`)
      assert.ok(!text.includes(Buffer.from(token).toString('base64')), place)
    }
  })

  test('that is not there ends the build, and says which', async () => {
    const [secret, key] = await Promise.all([built('no-secret'), built('no-key')])
    assert.equal(
      secret.description,
      'There is no Secret not-there (buildArgs.TOKEN): make it in the build namespace',
    )
    assert.equal(
      key.description,
      `Secret ${tokenSecret} has no key other (buildArgs.TOKEN): add it`,
    )
    assert.deepEqual([secret.status, key.status], ['error', 'error'])
    await assert.rejects(jobOf(secret.repository), /has no Job/)
  })
})

test('a build runs as its ServiceAccount, without a token for the Kubernetes API', async () => {
  const { namespace } = world.cluster
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: account } } })
  try {
    const { description, status, repository } = await built('account', {
      Dockerfile: `FROM ${world.cluster.baseImage}\nRUN test ! -e /var/run/secrets && test ! -e /run/secrets\n`,
    })
    assert.equal(status, 'success', description)
    const { spec } = await podOf(repository)
    assert.equal(spec?.serviceAccountName, account)
    assert.ok(!spec.volumes?.some(({ projected }) => projected))
  } finally {
    await core.deleteNamespacedServiceAccount({ namespace, name: account })
  }
})

test('a ServiceAccount that is not there ends the build, and says so', async () => {
  const { description, status } = await built('no-account')
  assert.equal(
    description,
    'There is no ServiceAccount not-there in the build namespace: make it, or change serviceAccountName',
  )
  assert.equal(status, 'error')
})

describe("an image's layers", () => {
  const reference = ({ path }: TestRepository): string =>
    `${world.cluster.registry.host}/${path}:main`
  const layers = async (of: string): Promise<{ digest: string; mediaType: string }[]> => {
    const [manifest = ''] = (await world.image.description(of)).split('\n')
    return (JSON.parse(manifest) as { layers: { digest: string; mediaType: string }[] }).layers
  }

  test('with a cache of COPY, snapshots by redo and zstd are as they were asked for, and the second build finds them', async () => {
    const Dockerfile = `FROM ${await world.image.asOci(world.cluster.baseImage)}
COPY content.txt /content.txt
RUN cp /content.txt /copy.txt
`
    const first = await built('layers', { Dockerfile, 'content.txt': 'x', other: '1' })
    assert.equal(first.status, 'success', first.description)
    const before = await layers(reference(first.repository))
    assert.match(before.at(-1)?.mediaType ?? '', /zstd$/)

    const sha = await first.repository.commit({ other: '2' })
    await first.repository.push('main')
    const second = await world.ended(first.repository, sha)
    assert.equal(second.status, 'success', second.description)
    const page = await (await fetch(second.target_url)).text()
    assert.match(page, /Using caching version of cmd: COPY/)
    assert.match(page, /Using caching version of cmd: RUN/)
    const after = await layers(reference(first.repository))
    assert.deepEqual(after, before)
  })

  test('are one for all steps where a single one is wanted', async () => {
    const { description, status, repository } = await built('single', {
      Dockerfile: `FROM ${world.cluster.baseImage}\nRUN echo 1 > /1\nRUN echo 2 > /2\nRUN echo 3 > /3\n`,
    })
    assert.equal(status, 'success', description)
    const base = await layers(world.cluster.baseImage)
    assert.equal((await layers(reference(repository))).length, base.length + 1)
    assert.equal(await world.image.file(reference(repository), '1'), '1\n')
  })

  test('of a commit built again are the same image where it is reproducible', async () => {
    const { repository, status, description } = await built('reproducible', {
      Dockerfile: 'FROM scratch\nCOPY content.txt /\n',
      'content.txt': 'x',
    })
    assert.equal(status, 'success', description)
    const digest = await world.image.digest(reference(repository))
    const { builds } = await world.kanihook.api<{ builds: { id: string }[] }>(
      `/builds?repository=${repository.path}`,
    )
    const again = await world.kanihook.api<{ id: string }>(`/builds/${builds[0]?.id}/rebuild`, {
      method: 'POST',
    })
    const end = await eventually(
      async () => {
        const build = await world.kanihook.api<{ state: string; pushed: { digest: string }[] }>(
          `/builds/${again.id}`,
        )
        return build.state === 'succeeded' ? build : undefined
      },
      { within: 60_000, what: 'the rebuild succeeds' },
    )
    assert.equal(end.pushed[0]?.digest, digest)
  })
})

test('an image says by its labels what it was built from, and when', async () => {
  const { repository, status, description } = await built('placeless')
  assert.equal(status, 'success', description)
  const { Labels = {} } = await world.image.config(
    `${world.cluster.registry.host}/${repository.path}:main`,
  )
  const { path } = repository
  const { created, ...others } = Object.fromEntries(
    Object.entries(Labels).map(([key, value]) => [
      key.replace('org.opencontainers.image.', ''),
      value,
    ]),
  )
  assert.deepEqual(others, {
    revision: await repository.git('rev-parse', 'HEAD'),
    'ref.name': 'main',
    source: `https://${world.forgeHost}/${path}`,
  })
  assert.match(created ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.ok(Math.abs(Date.parse(created ?? '') - Date.now()) < 120_000, created)
})
