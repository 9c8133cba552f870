import assert from 'node:assert/strict'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run } from '../cluster/support/command.ts'
import { dockerConfig } from '../cluster/registry.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { documentedEntries } from './support/documented.ts'
import type { TestRepository } from './support/repository.ts'
import { createSecret } from './support/secret.ts'
import { createWorld, runningCluster, wrongLogin, type World } from './support/world.ts'

/** Images that a container of its own publishes, which alone holds the push login. */

const page = 'docs/publish-and-scan.md'
const readerSecret = 'registry-reader'
const bothSecret = 'both-registries'

let world: World
const secrets: AsyncDisposable[] = []
/** The registry at another address, and so another one to whoever pushes to it. */
let otherRegistry: string
let proxy: TcpProxy

before(async () => {
  const cluster = await runningCluster()
  const { registry } = cluster
  const { hostname, port } = new URL(`http://${registry.host}`)
  proxy = await startTcpProxy(Number(port), hostname)
  otherRegistry = `${hostname}:${proxy.port}`
  const other = dockerConfig({ ...registry, host: otherRegistry })
  for (const [name, configs] of [
    [readerSecret, [dockerConfig(registry)]],
    [bothSecret, [dockerConfig(registry), other]],
  ] as const) {
    const auths = configs.map((config) => (JSON.parse(config) as { auths: object }).auths)
    const text = JSON.stringify({ auths: Object.assign({}, ...auths) as object })
    const type = 'kubernetes.io/dockerconfigjson'
    secrets.push(
      await createSecret(cluster, name, { type, stringData: { '.dockerconfigjson': text } }),
    )
  }
  world = await createWorld({
    registries: () => [`{ host: "${otherRegistry}", insecure: true }`],
    repositories: (places) => {
      const { forgeHost } = places
      const entry = (name: string, settings: string, tags = '["{branch}", latest]'): string => `
  - match: "${forgeHost}/dev/${name}-*"
    images: [{ name: app, destination: "${registry.host}/dev/{repo}", tags: ${tags}, ${settings} }]`
      const apart = `publish: apart, pullSecret: ${readerSecret}`
      const both = `["${registry.host}/dev/{repo}", "${otherRegistry}/twin/{repo}"]`
      const half = `["${registry.host}/dev/{repo}", "nowhere.invalid:5000/dev/{repo}"]`
      return [
        documentedEntries(page, 'A login that no RUN step sees', places),
        documentedEntries(page, 'Base images and a cache that want a login', places),
        entry('together', 'publish: together'),
        entry('unseen', 'publish: apart'),
        entry('several', `${apart}, pushSecret: ${bothSecret}`).replace(
          /destination: "[^"]*"/,
          `destination: ${both}`,
        ),
        entry('half', apart).replace(/destination: "[^"]*"/, `destination: ${half}`),
        entry('wrong', `${apart}, pushSecret: ${wrongLogin}`),
        entry('linked', apart),
        entry('cached', `${apart}, cache: { enabled: true }`),
        entry('uncached', `publish: apart, pullSecret: ${wrongLogin}, cache: { enabled: true }`),
      ].join('')
    },
  })
})
after(async () => {
  await world?.close()
  await proxy.close()
  for (const secret of secrets) await secret[Symbol.asyncDispose]()
})

const from = (...lines: string[]): string =>
  [`FROM ${world.cluster.baseImage}`, ...lines, ''].join('\n')

async function built(repository: TestRepository, files: Record<string, string>, image = 'app') {
  const sha = await repository.commit(files)
  await repository.push('main')
  return { sha, ...(await world.ended(repository, sha, `kanihook/${image}`)) }
}

const at = (repository: TestRepository, tag: string, place = 'dev'): string =>
  `${world.cluster.registry.host}/${place}/${repository.path.split('/').at(-1)}:${tag}`

describe('an image that is published apart', () => {
  test('has one digest under all of its tags, and the status says which', async () => {
    const repository = await world.repository('shop')
    const { sha, status, description } = await built(
      repository,
      { Dockerfile: 'FROM scratch\nCOPY Dockerfile /is-here\n' },
      'shop',
    )
    assert.equal(status, 'success', description)
    const place = `${world.cluster.registry.host}/acme/shop`
    const digest = (await world.image.digest(`${place}:main`)) ?? ''
    assert.ok(description.startsWith(`Pushed ${place}:main and 1 more in `), description)
    assert.ok(description.endsWith(`(${digest.slice(0, 19)}…)`), description)
    assert.equal(await world.image.digest(`${place}:${sha.slice(0, 12)}`), digest)
    assert.match(await world.image.file(`${place}:main`, 'is-here'), /^FROM scratch/)
  })

  test('comes from a private base image by the pullSecret, and shows its steps on the page', async () => {
    const repository = await world.repository('site')
    const {
      status,
      description,
      target_url: link,
    } = await built(repository, { Dockerfile: from('RUN echo hi > /greeting') }, 'site')
    assert.equal(status, 'success', description)
    const html = await (await fetch(link)).text()
    assert.match(html, /Pushing/)
    assert.match(html, /<b>publish<\/b><span>Tagging /)
  })

  test('goes to several registries at once', async () => {
    const repository = await world.repository('several')
    const { status, description } = await built(repository, { Dockerfile: from('RUN true') })
    assert.equal(status, 'success', description)
    const digest = await world.image.digest(at(repository, 'main'))
    assert.ok(digest)
    assert.equal(await world.image.digest(at(repository, 'main', 'twin')), digest)
    assert.equal(await world.image.digest(at(repository, 'latest', 'twin')), digest)
  })

  test('keeps its layers in the cache by the pullSecret', async () => {
    const repository = await world.repository('cached')
    const Dockerfile = from('RUN date +%s%N > /when', 'COPY note.txt /')
    const first = await built(repository, { Dockerfile, 'note.txt': 'one' })
    assert.equal(first.status, 'success', first.description)
    const when = await world.image.file(at(repository, 'main'), 'when')
    const second = await built(repository, { 'note.txt': 'two' })
    assert.equal(second.status, 'success', second.description)
    assert.equal(await world.image.file(at(repository, 'main'), 'note.txt'), 'two')
    assert.equal(await world.image.file(at(repository, 'main'), 'when'), when)
  })
})

describe('a RUN step', () => {
  /** All that it can read, as a file of the image. The shell comes with the source: no base image, no login. */
  const everything = [
    'FROM scratch',
    'COPY busybox /bin/busybox',
    'RUN ["/bin/busybox", "sh", "/kanihook/context/look.sh"]',
    '',
  ].join('\n')
  const look = `cd /bin
for program in cat env find; do ln -s busybox $program; done
export PATH=/bin
{
  env
  cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline
  find / '(' -path /proc -o -path /sys -o -path /dev ')' -prune -o -type f ! -name executor ! -name busybox ! -name seen -exec cat {} +
} >/seen 2>/errors
true
`

  async function seen(name: string): Promise<string> {
    const repository = await world.repository(name)
    const busybox = (await run('sh', ['-c', 'command -v busybox'])).trim()
    const sha = await repository.commitFolder(async (folder) => {
      await copyFile(busybox, join(folder, 'busybox'))
      await writeFile(join(folder, 'look.sh'), look)
      await writeFile(join(folder, 'Dockerfile'), everything)
    })
    await repository.push('main')
    const { status, description } = await world.ended(repository, sha, `kanihook/app`)
    assert.equal(status, 'success', description)
    return world.image.file(at(repository, 'main'), 'seen')
  }

  const logins = (): string[] => {
    const { username, password } = world.cluster.registry
    return [password, Buffer.from(`${username}:${password}`).toString('base64')]
  }
  const found = (text: string): boolean => logins().some((login) => text.includes(login))

  test('finds the push login nowhere: in no file, environment or process', async () => {
    const text = await seen('unseen')
    assert.match(text, /kaniko/, 'it saw nothing at all')
    assert.ok(!found(text), 'it found the login')
  })

  test('finds it where Kaniko pushes, so that the search is one', async () => {
    assert.ok(found(await seen('together')), 'it did not find the login')
  })
})

describe('where publishing fails, every tag stays where it was', () => {
  test('for a wrong login, which is not tried again', async () => {
    const repository = await world.repository('wrong')
    const { status, description } = await built(repository, { Dockerfile: from('RUN true') })
    const { host } = world.cluster.registry
    assert.deepEqual(
      [status, description],
      ['error', `Registry ${host} refused the login for push: check Secret ${wrongLogin}`],
    )
    assert.equal(await world.image.digest(at(repository, 'main')), undefined)
  })

  test('for one of several registries that does not answer, which is tried three times', async () => {
    const repository = await world.repository('half')
    const { status, description } = await built(repository, { Dockerfile: from('RUN true') })
    assert.deepEqual(
      [status, description],
      ['error', 'Registry nowhere.invalid:5000 does not answer: no such host (after 3 tries)'],
    )
    assert.equal(await world.image.digest(at(repository, 'main')), undefined)
  })

  test('for a link that a RUN step left where the image is kept', async () => {
    const repository = await world.repository('linked')
    const link = 'RUN ln -s /kanihook/docker/config.json /kanihook/image/link'
    const { status, description } = await built(repository, { Dockerfile: from(link) })
    assert.equal(status, 'failure')
    assert.match(description, /^A RUN step wrote into \/kanihook/)
    assert.equal(await world.image.digest(at(repository, 'main')), undefined)
  })

  test('for a pullSecret that may not write the cache', async () => {
    const repository = await world.repository('uncached')
    const { status, description } = await built(repository, {
      Dockerfile: 'FROM scratch\nCOPY . /\n',
    })
    const { host } = world.cluster.registry
    assert.deepEqual(
      [status, description],
      ['error', `Registry ${host} refused the login for the cache: check Secret ${wrongLogin}`],
    )
  })
})
