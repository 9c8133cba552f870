import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createGiteaClient } from '../cluster/gitea-client.ts'
import { run } from '../cluster/support/command.ts'
import { documentedEntries } from './support/documented.ts'
import type { TestRepository } from './support/repository.ts'
import { createSecret } from './support/secret.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'

/** What Git LFS keeps, on the real Gitea, which is the server of it too. */

const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n'

let world: World
let folder: string
let deployKey: string
let key: AsyncDisposable
/** A server of a stranger, which asks everybody for a login. */
let stranger: Server
let strangersUrl: string
const strangersVisitors: string[] = []

before(async () => {
  const cluster = await runningCluster()
  folder = await mkdtemp(join(tmpdir(), 'kanihook-lfs-'))
  const file = join(folder, 'key')
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
  deployKey = (await readFile(`${file}.pub`, 'utf8')).trim()
  key = await createSecret(cluster, 'lfs-deploy-key', {
    type: 'kubernetes.io/ssh-auth',
    stringData: {
      'ssh-privatekey': await readFile(file, 'utf8'),
      known_hosts: cluster.gitea.knownHosts,
    },
  })
  stranger = createServer(({ method, url, headers }, response) => {
    strangersVisitors.push(`${method} ${url} ${headers.authorization ?? 'without a login'}`)
    response.writeHead(401, { 'www-authenticate': 'Basic realm="stranger"' }).end()
  })
  stranger.listen(0, cluster.hostAddress)
  await once(stranger, 'listening')
  strangersUrl = `http://${cluster.hostAddress}:${(stranger.address() as AddressInfo).port}`
  world = await createWorld({
    repositories: (places) => {
      const entry = (name: string, image: string, more = ''): string => `
  - match: "${places.forgeHost}/dev/${name}-*"
    branches: [main]
    ${more}
    images: [{ name: app, destination: "${places.registry}/dev/{repo}", tags: ["{branch}"]${image} }]
`
      return [
        documentedEntries('docs/private-repositories.md', 'Git LFS', places),
        entry('ssh', ', lfs: true', 'cloneSecret: lfs-deploy-key'),
        entry('led', ', lfs: true'),
        entry('missing', ', lfs: true'),
        entry('part', ', lfs: true, context: services/api, sparse: true'),
        entry('whole', ', lfs: true, submodules: true'),
        entry('without', ''),
      ].join('')
    },
    settings: ({ cluster: { gitea } }) => ({ GITEA_SSH_URL: gitea.sshUrl }),
  })
})

after(async () => {
  await world?.close()
  await key?.[Symbol.asyncDispose]()
  stranger?.close()
  await rm(folder, { recursive: true, force: true })
})

/** A repository whose `*.bin` go to Git LFS, as its owner's git does it. */
async function repositoryWithLfs(name: string): Promise<TestRepository> {
  const repository = await world.repository(name)
  await createGiteaClient(world.cluster.gitea).addDeployKey(repository.path, deployKey)
  await repository.git('lfs', 'install', '--local')
  await repository.commit({ '.gitattributes': attributes })
  return repository
}

const dockerfile = (step = 'true'): string => `FROM ${world.cluster.baseImage}
COPY . /src/
RUN ${step}
`

const image = ({ path }: TestRepository, name = path): string =>
  `${world.cluster.registry.host}/${name}:main`

async function built(repository: TestRepository, sha: string) {
  const { status, description, target_url } = await world.ended(repository, sha)
  const page = await (await fetch(target_url)).text()
  assert.equal(status, 'success', `${description}\n${page}`)
  return { page }
}

test('the image has what Git LFS keeps, and the build sees nothing of the login', async () => {
  const repository = await repositoryWithLfs('site')
  const { token } = world.cluster.gitea
  const search = `! grep -rl '[${token.slice(0, 1)}]${token.slice(1)}' /kanihook /tmp /proc/1/environ`
  const sha = await repository.commit({
    Dockerfile: dockerfile(`${search} && test ! -e /kanihook/context/.git`),
    'large.bin': 'x'.repeat(300_000),
    'data/small.bin': 'small',
  })
  assert.match(await repository.git('show', `${sha}:large.bin`), /^version https:\/\/git-lfs/)
  await repository.push('main')
  const { page } = await built(repository, sha)
  const file = (path: string) => world.image.file(image(repository, 'acme/site'), `src/${path}`)
  assert.equal(await file('large.bin'), 'x'.repeat(300_000))
  assert.equal(await file('data/small.bin'), 'small')
  assert.ok(!page.includes('of Git LFS'), 'a remark about pointers')
})

test('without lfs the pointers stay, and the page of the build says so', async () => {
  const repository = await repositoryWithLfs('without')
  const sha = await repository.commit({ Dockerfile: dockerfile(), 'a.bin': 'content' })
  await repository.push('main')
  const { page } = await built(repository, sha)
  assert.match(
    page,
    /1 file of the context is a pointer of Git LFS, without the content: lfs: true fetches it/,
  )
  const file = await world.image.file(image(repository), 'src/a.bin')
  assert.match(file ?? '', /^version https:\/\/git-lfs/)
})

for (const [name, how] of [
  ['led', 'HTTP'],
  ['ssh', 'SSH'],
] as const) {
  test(`by ${how}, a .lfsconfig that names another server sends nobody there`, async () => {
    const repository = await repositoryWithLfs(name)
    const sha = await repository.commit({ Dockerfile: dockerfile(), 'a.bin': `by ${how}` })
    // What is there is pushed by its owner's settings, and what follows is no business of theirs.
    await repository.push('main')
    await built(repository, sha)
    const url = `${strangersUrl}/acme/app.git/info/lfs`
    const led = await repository.commit({
      '.lfsconfig': `[lfs]\n\turl = ${url}\n[remote "origin"]\n\tlfsurl = ${url}\n`,
      'b.txt': 'another image',
    })
    await repository.git('-c', 'core.hooksPath=/dev/null', 'push', '--quiet', 'origin', 'main')
    await built(repository, led)
    assert.equal(await world.image.file(image(repository), 'src/a.bin'), `by ${how}`)
    assert.equal(await world.image.file(image(repository), 'src/b.txt'), 'another image')
    assert.deepEqual(strangersVisitors, [])
  })
}

test('an object that was never pushed is told on the commit, with how to push it', async () => {
  const repository = await repositoryWithLfs('missing')
  const sha = await repository.commit({ Dockerfile: dockerfile(), 'data/a.bin': 'kept here' })
  await repository.git('-c', 'core.hooksPath=/dev/null', 'push', '--quiet', 'origin', 'main')
  const { status, description } = await world.ended(repository, sha)
  assert.equal(
    description,
    `The Git LFS object of data/a.bin is not on ${world.forgeHost}: push it (git lfs push --all origin)`,
  )
  assert.equal(status, 'failure')
})

test('of a large repository no object is fetched but those of the context', async () => {
  const repository = await repositoryWithLfs('part')
  const sha = await repository.commit({
    'services/api/Dockerfile': dockerfile(),
    'services/api/a.bin': 'of the context',
    'services/web/b.bin': 'never pushed',
  })
  await repository.git('-c', 'core.hooksPath=/dev/null', 'push', '--quiet', 'origin', 'main:other')
  const oid = /sha256:(\w+)/.exec(await repository.git('show', `${sha}:services/api/a.bin`))?.[1]
  await repository.git('lfs', 'push', '--object-id', 'origin', oid ?? '')
  await repository.git('-c', 'core.hooksPath=/dev/null', 'push', '--quiet', 'origin', 'main')
  await built(repository, sha)
  assert.equal(await world.image.file(image(repository), 'src/a.bin'), 'of the context')
})

test('objects of a private submodule come along', async () => {
  const lib = await repositoryWithLfs('lib')
  const recorded = await lib.commit({ 'lib.bin': 'of the library' })
  await lib.push('main')
  const repository = await repositoryWithLfs('whole')
  await repository.commit({
    Dockerfile: dockerfile(),
    'a.bin': 'of the repository',
    '.gitmodules': `[submodule "l"]\n\tpath = l\n\turl = ../${lib.path.split('/')[1]}.git\n`,
  })
  await repository.git('update-index', '--add', '--cacheinfo', `160000,${recorded},l`)
  await repository.git('commit', '--quiet', '--message', 'add l')
  const sha = await repository.git('rev-parse', 'HEAD')
  await repository.push('main')
  await built(repository, sha)
  assert.equal(await world.image.file(image(repository), 'src/l/lib.bin'), 'of the library')
  assert.equal(await world.image.file(image(repository), 'src/a.bin'), 'of the repository')
})
