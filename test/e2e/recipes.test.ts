import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { blocksOf } from '../docs/markdown.ts'
import { dockerConfig } from '../cluster/registry.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { documentedEntries } from './support/documented.ts'
import type { TestRepository } from './support/repository.ts'
import { createSecret } from './support/secret.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'

/** Each recipe of the documentation, as it stands there: pushed to, and the registry looked at. */

const page = 'docs/recipes.md'

let world: World
/** The registry at another address, and so another one to whoever pushes to it. */
let otherRegistry: string
let proxy: TcpProxy

before(async () => {
  const { registry } = await runningCluster()
  const { hostname, port } = new URL(`http://${registry.host}`)
  proxy = await startTcpProxy(Number(port), hostname)
  otherRegistry = `${hostname}:${proxy.port}`
  world = await createWorld({
    registries: () => [`{ host: "${otherRegistry}", insecure: true }`],
    repositories: (places) =>
      Object.keys(recipes)
        .map((heading) => documentedEntries(page, heading, { ...places, otherRegistry }))
        .join(''),
  })
})
after(async () => {
  await world.close()
  await proxy.close()
})

/** Under each heading: what a reader does with the recipe, and what comes of it. */
const recipes: Readonly<Record<string, () => Promise<void>>> = {
  async 'A Dockerfile and a private registry'() {
    const { repository, sha } = await pushed('shop', {
      Dockerfile: from('RUN echo hi > /greeting'),
    })
    await succeeded(repository, sha, 'shop')
    assert.equal(await world.image.file(at('shop:main'), 'greeting'), 'hi\n')
    const digest = await world.image.digest(at('shop:main'))
    assert.equal(await world.image.digest(at(`shop:${sha.slice(0, 12)}`)), digest)
  },

  async 'Another Dockerfile, context and stage'() {
    const { repository, sha } = await pushed('staged', {
      'docker/Dockerfile.production': [
        `FROM ${world.cluster.baseImage} AS runtime`,
        'COPY . /app/',
        'FROM runtime AS tests',
        'RUN false',
      ].join('\n'),
      'docker/Dockerfile.production.dockerignore': 'secret.txt\n',
      'services/api/.dockerignore': 'main.txt\n',
      'services/api/main.txt': 'api',
      'services/api/secret.txt': 'ignored',
      'other.txt': 'not in the context',
    })
    await succeeded(repository, sha, 'api')
    const { entries } = await world.image.contents(at('staged:main'))
    const app = entries.flatMap((entry) => /app\/\S+$/.exec(entry)?.[0] ?? []).toSorted()
    assert.deepEqual(app, ['app/.dockerignore', 'app/main.txt'])
  },

  async 'Several tags'() {
    const { repository, sha } = await pushed('released', { Dockerfile: from('RUN true') })
    await succeeded(repository, sha, 'app')
    const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
    await haveOneDigest('released', ['main', `main-${today}`])
    await repository.git('tag', 'v1.4.2')
    await repository.push('v1.4.2')
    await succeeded(repository, sha, 'app (v1.4.2)')
    await haveOneDigest('released', ['1.4.2', '1.4', '1', 'v1.4.2'])
  },

  async 'Two registries at once'() {
    const { registry } = world.cluster
    const logins = [registry, { ...registry, host: otherRegistry }].map(
      (each) => (JSON.parse(dockerConfig(each)) as { auths: object }).auths,
    )
    await using _ = await createSecret(world.cluster, 'two-registries', {
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': JSON.stringify({ auths: Object.assign({}, ...logins) }) },
    })
    const { repository, sha } = await pushed('twice', { Dockerfile: from('RUN true') })
    await succeeded(repository, sha, 'app')
    const names = ['acme/twice', 'mirrored/twice'].flatMap((name) =>
      ['main', sha.slice(0, 12)].map((tag) => `${registry.host}/${name}:${tag}`),
    )
    const digests = await Promise.all(names.map((name) => world.image.digest(name)))
    assert.ok(digests[0])
    assert.equal(new Set(digests).size, 1, digests.join(', '))
  },

  async 'Build arguments and labels'() {
    const { repository, sha } = await pushed('arguments', {
      Dockerfile: from(
        'ARG CHANNEL\nARG REVISION\nARG RELEASE=none\nRUN echo "$CHANNEL $REVISION $RELEASE" > /arguments',
      ),
    })
    await succeeded(repository, sha, 'app')
    assert.equal(await world.image.file(at('arguments:main'), 'arguments'), `stable ${sha} none\n`)
    await repository.git('tag', 'v2.0.0')
    await repository.push('v2.0.0')
    await succeeded(repository, sha, 'app (v2.0.0)')
    assert.equal(
      await world.image.file(at('arguments:v2.0.0'), 'arguments'),
      `stable ${sha} v2.0.0\n`,
    )
    const { Labels: labels = {} } = await world.image.config(at('arguments:v2.0.0'))
    assert.partialDeepStrictEqual(labels, {
      'org.opencontainers.image.vendor': 'Acme',
      'io.acme.pipeline': `${repository.path.split('/').at(-1)}@${sha.slice(0, 12)}`,
      'org.opencontainers.image.revision': sha,
      'org.opencontainers.image.ref.name': 'v2.0.0',
    })
  },

  async 'A layer cache'() {
    const Dockerfile = from('RUN date +%s%N > /when\nCOPY note.txt /')
    const { repository, sha } = await pushed('cached', { Dockerfile, 'note.txt': 'one' })
    await succeeded(repository, sha, 'app')
    const when = await world.image.file(at('cached:main'), 'when')
    const later = await repository.commit({ 'note.txt': 'two' })
    await repository.push('main')
    await succeeded(repository, later, 'app')
    assert.equal(await world.image.file(at('cached:main'), 'note.txt'), 'two')
    assert.equal(await world.image.file(at('cached:main'), 'when'), when)
  },

  async 'Resources and a time-out'() {
    const { repository, sha } = await pushed('heavy', { Dockerfile: from('RUN true') })
    await succeeded(repository, sha, 'app')
    const job = (await world.jobs()).find(
      ({ metadata }) => metadata?.annotations?.['kanihook.dev/repository-path'] === repository.path,
    )
    const containers = job?.spec?.template.spec?.containers ?? []
    const container = containers.find(({ name }) => name === 'build')
    assert.partialDeepStrictEqual(container?.resources, {
      requests: { cpu: '100m', memory: '64Mi' },
      limits: { memory: '512Mi', 'ephemeral-storage': '1Gi' },
    })
  },

  async 'One repository, several images'() {
    const Dockerfile = from('COPY . /app/')
    const { repository, sha } = await pushed('monorepo', {
      'services/api/Dockerfile': Dockerfile,
      'services/web/Dockerfile': Dockerfile,
    })
    await Promise.all(['api', 'web'].map((name) => succeeded(repository, sha, name)))
    const web = await world.image.digest(at('monorepo/web:main'))
    const later = await repository.commit({ 'services/api/main.txt': 'api' })
    await repository.push('main')
    await succeeded(repository, later, 'api')
    const { description } = await succeeded(repository, later, 'web')
    assert.equal(description, 'Skipped: no changed file matches paths')
    assert.equal(await world.image.file(at('monorepo/api:main'), 'app/main.txt'), 'api')
    assert.equal(await world.image.digest(at('monorepo/web:main')), web)
  },

  async 'Look closer'() {
    const { repository, sha } = await pushed('verbose', { Dockerfile: from('RUN true') })
    const { target_url: page } = await succeeded(repository, sha, 'app')
    assert.match(await (await fetch(page)).text(), /debug: Getting source context/)
  },
}

test('every recipe of the page is run', () => {
  const documented = blocksOf(page).filter(({ mark }) => mark === 'kanihook.yaml')
  assert.equal(documented.length, Object.keys(recipes).length)
})

for (const [heading, run] of Object.entries(recipes)) test(heading, run)

const at = (reference: string): string => `${world.cluster.registry.host}/acme/${reference}`

const from = (instructions: string): string => `FROM ${world.cluster.baseImage}\n${instructions}\n`

async function pushed(
  name: string,
  files: Record<string, string>,
): Promise<{ repository: TestRepository; sha: string }> {
  const repository = await world.repository(name)
  const sha = await repository.commit(files)
  await repository.push('main')
  return { repository, sha }
}

async function succeeded(repository: TestRepository, sha: string, image: string) {
  const end = await world.ended(repository, sha, `kanihook/${image}`)
  assert.equal(end.status, 'success', end.description)
  return end
}

async function haveOneDigest(name: string, tags: readonly string[]): Promise<void> {
  const digests = await Promise.all(tags.map((tag) => world.image.digest(at(`${name}:${tag}`))))
  assert.ok(digests[0], `${name}:${tags[0]} is not there`)
  assert.deepEqual(new Set(digests).size, 1, `${tags.join(', ')}: ${digests.join(', ')}`)
}
