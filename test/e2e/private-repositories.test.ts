import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { createGiteaClient } from '../cluster/gitea-client.ts'
import { run } from '../cluster/support/command.ts'
import { documentedEntries } from './support/documented.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'
import type { TestRepository } from './support/repository.ts'

/** Repositories that not everybody may read, on the real Gitea: by SSH, and by tokens. */

const page = 'docs/private-repositories.md'

let world: World
let core: CoreV1Api
let folder: string
/** What was made for the tests and is removed with them. */
const secrets: string[] = []
const keys = { let: '', stranger: '' }
let deployKey: string

before(async () => {
  const cluster = await runningCluster()
  const { gitea } = cluster
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(cluster.kubeconfig)
  core = kubeConfig.makeApiClient(CoreV1Api)
  folder = await mkdtemp(join(tmpdir(), 'kanihook-keys-'))
  for (const name of ['let', 'stranger'] as const) {
    const file = join(folder, name)
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
    keys[name] = await readFile(file, 'utf8')
  }
  deployKey = (await readFile(join(folder, 'let.pub'), 'utf8')).trim()
  const strangers = (await readFile(join(folder, 'stranger.pub'), 'utf8')).trim()
  const host = gitea.knownHosts.split(' ')[0] ?? ''
  await sshSecret('shop-deploy-key', keys.let, gitea.knownHosts)
  await sshSecret('stranger-key', keys.stranger, gitea.knownHosts)
  await sshSecret('changed-host', keys.let, `${host} ${strangers}\n`)
  await sshSecret('no-hosts', keys.let)
  await secret('acme-clone-token', 'kubernetes.io/basic-auth', {
    username: 'oauth2',
    password: gitea.token,
  })
  await secret('wrong-token', 'kubernetes.io/basic-auth', {
    username: 'oauth2',
    password: 'no-such-token',
  })
  world = await createWorld({
    repositories: (places) => {
      const entry = (name: string, cloneSecret: string): string => `
  - match: "${places.forgeHost}/dev/${name}-*"
    branches: [main]
    cloneSecret: ${cloneSecret}
    images: [{ name: app, destination: "${places.registry}/dev/{repo}", tags: ["{branch}"] }]
`
      return [
        documentedEntries(page, 'SSH deploy keys', places),
        entry('stranger', 'stranger-key'),
        entry('changed', 'changed-host'),
        entry('hostless', 'no-hosts'),
        entry('missing', 'not-there'),
        entry('token', 'acme-clone-token'),
        entry('refused', 'wrong-token'),
        entry('whole', 'acme-clone-token').replace(
          '{ name: app,',
          '{ name: app, submodules: true,',
        ),
        entry('part', 'acme-clone-token').replace(
          '{ name: app,',
          '{ name: app, context: services/api, sparse: true,',
        ),
      ].join('')
    },
    settings: () => ({ GITEA_SSH_URL: gitea.sshUrl }),
  })
})

after(async () => {
  await world?.close()
  const { namespace } = await runningCluster()
  await Promise.all(secrets.map((name) => core.deleteNamespacedSecret({ name, namespace })))
  await rm(folder, { recursive: true, force: true })
})

async function secret(name: string, type: string, data: Record<string, string>): Promise<void> {
  const { namespace } = await runningCluster()
  // What a run that was cut off has left.
  await core.deleteNamespacedSecret({ name, namespace }).catch(() => undefined)
  await core.createNamespacedSecret({
    namespace,
    body: { metadata: { name }, type, stringData: data },
  })
  secrets.push(name)
}

const sshSecret = (name: string, key: string, hosts?: string): Promise<void> =>
  secret(name, 'kubernetes.io/ssh-auth', {
    'ssh-privatekey': key,
    ...(hosts === undefined ? {} : { known_hosts: hosts }),
  })

/** A RUN step that looks for the login in all that it can see. The brackets keep it from finding itself. */
const search = (what: string): string =>
  `! grep -rl '[${what.slice(0, 1)}]${what.slice(1)}' /kanihook /tmp /proc/1/environ /proc/self/environ 2>/dev/null`

const dockerfile = (step: string): string => `FROM ${world.cluster.baseImage}
COPY . /src/
RUN ${step}
`

/** Pushes a repository that its deploy key may read. */
async function pushed(name: string, files: Record<string, string>) {
  const repository = await world.repository(name)
  await createGiteaClient(world.cluster.gitea).addDeployKey(repository.path, deployKey)
  const sha = await repository.commit(files)
  await repository.push('main')
  return { repository, sha }
}

const image = (repository: TestRepository, name = ''): string =>
  `${world.cluster.registry.host}/${name || repository.path}:main`

const logOf = async ({ path }: TestRepository): Promise<string> => {
  const { builds } = await world.kanihook.api<{ builds: { id: string }[] }>(
    `/builds?repository=${path}`,
  )
  const log = await fetch(`${world.kanihook.adminUrl}/api/builds/${builds[0]?.id}/log`)
  return log.text()
}

test('a deploy key clones by SSH, and the build sees nothing of it', async () => {
  const line = keys.let.split('\n')[2] ?? ''
  const { repository, sha } = await pushed('shop', {
    Dockerfile: dockerfile(search(line)),
    'content.txt': 'by ssh',
  })
  const { status, description } = await world.ended(repository, sha)
  assert.equal(status, 'success', `${description}\n${await logOf(repository)}`)
  assert.equal(await world.image.file(image(repository, 'acme/shop'), 'src/content.txt'), 'by ssh')
  const log = await logOf(repository)
  assert.ok(log.includes(`Cloning ${world.cluster.gitea.sshUrl}/${repository.path}.git at ${sha}`))
  assert.ok(!log.includes(line))
  const job = (await world.jobs()).find(({ metadata }) =>
    metadata?.annotations?.['kanihook.dev/repository-path']?.includes(repository.path),
  )
  const env = job?.spec?.template.spec?.initContainers?.flatMap((each) => each.env ?? []) ?? []
  assert.ok(env.some(({ name }) => name === 'SSH_LOGIN'))
  assert.ok(!env.some(({ name }) => name === 'GIT_PASSWORD'), "the forge's token went along")
})

test('a token of its own clones instead of the one that posts statuses', async () => {
  const { repository, sha } = await pushed('token', {
    Dockerfile: dockerfile(search(world.cluster.gitea.token)),
    'content.txt': 'by token',
  })
  const { status, description } = await world.ended(repository, sha)
  assert.equal(status, 'success', `${description}\n${await logOf(repository)}`)
  assert.equal(await world.image.file(image(repository), 'src/content.txt'), 'by token')
})

test('private submodules of the same forge come along, by the login of the repository', async () => {
  const lib = await world.repository('lib')
  const recorded = await lib.commit({ 'lib.txt': 'recorded' })
  await lib.commit({ 'lib.txt': 'newer' })
  await lib.push('main')
  const repository = await world.repository('whole')
  await repository.commit({
    Dockerfile: dockerfile('true'),
    '.gitmodules': `[submodule "l"]\n\tpath = l\n\turl = ../${lib.path.split('/')[1]}.git\n`,
  })
  await repository.git('update-index', '--add', '--cacheinfo', `160000,${recorded},l`)
  await repository.git('commit', '--quiet', '--message', 'add l')
  const sha = await repository.git('rev-parse', 'HEAD')
  await repository.push('main')
  const { status, description } = await world.ended(repository, sha)
  assert.equal(status, 'success', `${description}\n${await logOf(repository)}`)
  assert.equal(await world.image.file(image(repository), 'src/l/lib.txt'), 'recorded')
})

test('a part of a large repository is built without the rest', async () => {
  const { repository, sha } = await pushed('part', {
    'services/api/Dockerfile': dockerfile('test ! -e /kanihook/context/large'),
    'services/api/a.txt': 'api',
    'large/file': 'x',
  })
  const { status, description } = await world.ended(repository, sha)
  assert.equal(status, 'success', `${description}\n${await logOf(repository)}`)
  assert.equal(await world.image.file(image(repository), 'src/a.txt'), 'api')
})

for (const [name, says] of [
  [
    'stranger',
    /^Git login refused for \S+: is the public key of Secret stranger-key a deploy key there\?$/,
  ],
  ['changed', /^Host key of \S+ is not the one in Secret changed-host: attack or new key\?/],
  ['hostless', /^Secret no-hosts has no key known_hosts: add the output of ssh-keyscan/],
  ['missing', /^There is no Secret not-there \(cloneSecret\): make it in the build namespace$/],
  ['refused', /^Git refused access to \S+: check Secret wrong-token \(/],
] as const) {
  test(`a login that lets nobody in (${name}) is told on the commit, with what to do`, async () => {
    const { repository, sha } = await pushed(name, { Dockerfile: dockerfile('true') })
    const { status, description } = await world.ended(repository, sha)
    assert.equal(status, 'error')
    assert.match(description, says)
  })
}
