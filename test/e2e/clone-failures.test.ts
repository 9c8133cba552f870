import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startFaultyForge, type FaultyForge, type ForgeFault } from './support/faulty-forge.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'

/**
 * What goes wrong between a push that was planned and its clone, on the real Gitea: the statuses of what git
 * says in a pod. What kanihook's own git says is in private-repositories.test.ts.
 */

let forge: FaultyForge
let folder: string
let world: World
/** With a certificate that kanihook trusts and the clone's image does not. */
let secure: World

before(async () => {
  const { gitea, hostAddress } = await runningCluster()
  forge = await startFaultyForge(gitea, hostAddress)
  folder = await mkdtemp(join(tmpdir(), 'kanihook-forge-'))
  const certificate = join(folder, 'forge.pem')
  await writeFile(certificate, forge.certificate)
  const at = (url: string, settings: Record<string, string> = {}): Promise<World> =>
    createWorld({
      repositories: ({ registry }) => `
  - match: "${new URL(url).host}/dev/*"
    branches: [main]
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"] }]
`,
      settings: () => ({ GITEA_URL: url, ...settings }),
    })
  world = await at(forge.url)
  secure = await at(forge.tlsUrl, {
    NODE_EXTRA_CA_CERTS: certificate,
    GIT_SSL_CAINFO: certificate,
  })
})

after(async () => {
  await world?.close()
  await secure?.close()
  await forge?.close()
  await rm(folder, { recursive: true, force: true })
})

/** The end of a commit that is pushed after its repository got the fault. */
async function endOf(where: World, name: string, fault?: ForgeFault) {
  const repository = await where.repository(name)
  const sha = await repository.commit({ Dockerfile: `FROM ${where.cluster.baseImage}\nRUN true\n` })
  if (fault !== undefined) forge.faults.set(repository.path, fault)
  await repository.push('main')
  return { ...(await where.ended(repository, sha)), path: repository.path, sha }
}

/** Another repository, with a commit of its own on the branch. */
async function other(branch: string): Promise<string> {
  const repository = await world.repository('other', { hook: false })
  await repository.commit({ 'other.txt': 'x' })
  await repository.push(`main:${branch}`)
  return repository.path
}

describe('a clone that fails', { concurrency: 3 }, () => {
  test('is told on the commit: the login was revoked', async () => {
    const { status, description, path } = await endOf(world, 'login', 'revoked')
    const host = new URL(forge.url).host
    assert.equal(
      description,
      `Git login refused for ${host}/${path}: check the forge token and its repository access`,
    )
    assert.equal(status, 'error')
  })

  test('is told on the commit: the repository is gone', async () => {
    const { status, description } = await endOf(world, 'repository', { instead: 'dev/not-there' })
    assert.match(
      description,
      /^Repository not found: \S+\/dev\/repository-\w+ \(or the forge token has no access to it\)$/,
    )
    assert.equal(status, 'error')
  })

  for (const [what, branch] of [
    ['commit', 'main'],
    ['branch', 'another'],
  ] as const) {
    test(`is told on the commit: the ${what} is gone, after a force-push`, async () => {
      const { status, description, sha } = await endOf(world, what, {
        instead: await other(branch),
      })
      assert.ok(description.startsWith(`Commit ${sha.slice(0, 12)} is no longer in `), description)
      assert.match(description, /\(was it force-pushed away\?\)$/)
      assert.equal(status, 'error')
    })
  }

  test('is tried again, and told on the commit: the connection breaks off', async () => {
    const { status, description } = await endOf(world, 'reset', 'reset')
    assert.match(description, /^Cannot clone from \S+: Connection reset \(after 3 tries\)$/)
    assert.equal(status, 'error')
  })

  test('is tried again, and told on the commit: the forge is overloaded', async () => {
    const { status, description } = await endOf(world, 'busy', 'busy')
    assert.match(description, /^Cannot clone from \S+: error: 503 \(after 3 tries\)$/)
    assert.equal(status, 'error')
  })

  test('is told on the commit: the clone trusts no such certificate', async () => {
    const { status, description } = await endOf(secure, 'tls')
    const host = new URL(forge.tlsUrl).host
    assert.ok(
      description.startsWith(`TLS certificate of ${host} refused by the clone (`),
      description,
    )
    assert.match(description, /\): name a CLONE_IMAGE that trusts it$/)
    assert.equal(status, 'error')
  })

  test('is told of no repository that is as it was', async () => {
    const { status, description } = await endOf(world, 'fine')
    assert.equal(status, 'success', description)
  })
})
