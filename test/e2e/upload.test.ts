import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { archiveOf, tarOf } from '../support/archives.ts'
import { eventually } from '../support/eventually.ts'
import { startKanihook, type KanihookProcess } from '../support/kanihook-process.ts'
import { runCommand } from '../support/run-kanihook.ts'
import { createWorld, type World } from './support/world.ts'

/** Folders that are built without a push, on the real cluster and registry, with the real Kaniko. */

let world: World
let root: string
let uploads: string
let client: Readonly<Record<string, string>>

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'kanihook-e2e-upload-'))
  uploads = join(root, 'uploads')
  world = await createWorld({
    repositories: ({ registry }) => `  []
uploads:
  - { name: shop, destination: "${registry}/try/shop", tags: [edge, "{shortSha}"] }
  - { name: both, destination: "${registry}/try/both", tags: [edge], platforms: [linux/amd64, linux/arm64], crossBuild: true }
`,
    settings: ({ cluster }) => ({
      UPLOADS_DIR: uploads,
      UPLOADS_PORT: '24690',
      UPLOADS_URL: `http://${cluster.hostAddress}:24690`,
    }),
  })
  client = { KANIHOOK_URL: world.kanihook.adminUrl }
})
after(async () => {
  await world?.close()
  await rm(root, { recursive: true, force: true })
})

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const made = await mkdtemp(join(root, 'context-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(made, name)), { recursive: true })
    await writeFile(join(made, name), text)
  }
  return made
}

const dockerfile = (...lines: string[]): string =>
  [`FROM ${world.cluster.baseImage}`, ...lines, ''].join('\n')

const build = (context: string, ...more: string[]) =>
  runCommand(['build', '--context', context, '--image', 'shop', ...more], client)

const lastOf = (out: string): string => out.split('\n').at(-1) ?? ''

test('a folder becomes an image, without what its .dockerignore leaves out', async () => {
  const context = await folder({
    'docker/Dockerfile': dockerfile('ARG WHO', 'COPY . /app', 'RUN echo "hello $WHO" > /hello'),
    '.dockerignore': 'secret.env\n**/*.log\n',
    'secret.env': 'PASSWORD=1',
    'src/main.txt': 'the content',
    'src/debug.log': 'noise',
  })
  const args = ['--dockerfile', 'docker/Dockerfile', '--build-arg', 'WHO=world $(id)']
  const { code, out, err } = await build(context, ...args)
  assert.equal(code, 0, `${out}\n${err}`)
  const image = `${world.cluster.registry.host}/try/shop:edge`
  assert.equal(await world.image.file(image, 'app/src/main.txt'), 'the content')
  assert.equal(await world.image.file(image, 'hello'), 'hello world $(id)\n')
  for (const left of ['app/secret.env', 'app/src/debug.log']) {
    await assert.rejects(world.image.file(image, left), left)
  }
  const digest = await world.image.digest(image)
  const pushed = out.split('\n').slice(-2)
  assert.equal(pushed[0], `${image}@${digest}`)
  assert.match(pushed[1] ?? '', new RegExp(`/try/shop:[0-9a-f]{12}@${digest}$`))
  await eventually(async () => (await readdir(uploads)).length === 0, { what: 'it is removed' })
})

test('a tar on standard input becomes an image', async () => {
  const tar = await tarOf({ Dockerfile: dockerfile('COPY a /a'), a: 'from a tar' })
  const { code, out, err } = await runCommand(['build', '-c', '-', '-i', 'shop'], client, tar)
  assert.equal(code, 0, `${out}\n${err}`)
  assert.match(lastOf(out), /@sha256:[0-9a-f]{64}$/)
  const image = `${world.cluster.registry.host}/try/shop:edge`
  assert.equal(await world.image.file(image, 'a'), 'from a tar')
})

test('a folder becomes one image for several platforms', async () => {
  const context = await folder({
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY tool-${TARGETARCH} /tool\n',
    'tool-amd64': 'for amd64',
    'tool-arm64': 'for arm64',
  })
  const args = ['build', '--context', context, '--image', 'both']
  const { code, out, err } = await runCommand(args, client)
  assert.equal(code, 0, `${out}\n${err}`)
  const at = `${world.cluster.registry.host}/try/both`
  const index = await world.image.index(`${at}:edge`)
  assert.equal(lastOf(out), `${at}:edge@${index?.digest}`)
  const tools = (index?.images ?? []).map(async ({ platform, digest }) => [
    platform,
    await world.image.file(`${at}@${digest}`, 'tool'),
  ])
  assert.deepEqual(await Promise.all(tools), [
    ['linux/amd64', 'for amd64'],
    ['linux/arm64', 'for arm64'],
  ])
  await eventually(async () => (await readdir(uploads)).length === 0, { what: 'it is removed' })
})

test('a RUN step that fails ends it with 1, its words in the log', async () => {
  const context = await folder({ Dockerfile: dockerfile('RUN echo the-last-word && exit 3') })
  const { code, out, err } = await build(context)
  assert.equal(code, 1)
  assert.match(out, /^build .*the-last-word$/m)
  assert.match(err, /: failed: RUN .*exit code 3/)
})

test('a file that COPY misses is named', async () => {
  const context = await folder({ Dockerfile: dockerfile('COPY none /none') })
  const { code, err } = await build(context)
  assert.equal(code, 1)
  assert.match(err, /COPY source not found in the context: none/)
})

test('the process that holds an upload may be another one; when it is killed, the build says so', async () => {
  const start = (): Promise<KanihookProcess> =>
    startKanihook({
      ...world.settings,
      PORT: '0',
      KANIHOOK_ROLES: 'receiver',
      UPLOADS_DIR: join(root, 'of-another'),
      UPLOADS_PORT: '24691',
      UPLOADS_URL: `http://${world.cluster.hostAddress}:24691`,
    })
  const other = await start()
  const url = ['--url', other.adminUrl]
  const context = await folder({ Dockerfile: dockerfile('COPY b /b'), b: 'held elsewhere' })
  const well = await build(context, ...url)
  assert.equal(well.code, 0, well.err)

  await world.kanihook.kill()
  const body = new Uint8Array(await archiveOf({ Dockerfile: dockerfile('RUN true') }))
  const taken = await fetch(`${other.adminUrl}/api/uploads?image=shop`, { method: 'POST', body })
  assert.equal(taken.status, 202)
  const { id } = (await taken.json()) as { id: string }
  await other.kill('SIGKILL')
  await world.restart()
  const { code, err } = await runCommand(['logs', '-f', id], {
    KANIHOOK_URL: world.kanihook.adminUrl,
  })
  assert.equal(code, 1)
  assert.match(err, /error: Cannot reach the process of kanihook that held the upload/)
})
