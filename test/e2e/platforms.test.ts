import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { dockerConfig } from '../cluster/registry.ts'
import { eventually } from '../support/eventually.ts'
import { documentedEntries } from './support/documented.ts'
import type { TestRepository } from './support/repository.ts'
import { createSecret } from './support/secret.ts'
import { createWorld, runningCluster, type World } from './support/world.ts'

/**
 * Images for several architectures on a node of one: by crossBuild, which builds them for real. What a
 * platform's own node would do differs by its label alone.
 */

const page = 'docs/multi-architecture.md'
const platforms = ['linux/amd64', 'linux/arm64']
const readerSecret = 'registry-platforms-reader'

let world: World
let reader: AsyncDisposable

before(async () => {
  const cluster = await runningCluster()
  reader = await createSecret(cluster, readerSecret, {
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': dockerConfig(cluster.registry) },
  })
  world = await createWorld({
    repositories: (places) => {
      const { registry, forgeHost } = places
      const entry = (name: string, settings: string): string => `
  - match: "${forgeHost}/dev/${name}-*"
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"], platforms: [${platforms.join(', ')}], pullSecret: ${readerSecret}, ${settings} }]
`
      const both = `["${registry}/one/{repo}", "${registry}/two/{repo}"]`
      return [
        documentedEntries(page, 'Without nodes of each architecture', places),
        entry('cross', 'crossBuild: true'),
        entry('cached', 'crossBuild: true, cache: { enabled: true }'),
        entry('both', 'crossBuild: true').replace(/destination: "[^"]*"/, `destination: ${both}`),
        entry('nowhere', 'nodeTimeout: 3s'),
        entry('patient', 'nodeTimeout: 10m, startTimeout: 12s'),
      ].join('')
    },
  })
})
after(async () => {
  await world.close()
  await reader[Symbol.asyncDispose]()
})

const place = (repository: TestRepository, folder = 'dev'): string =>
  `${world.cluster.registry.host}/${folder}/${repository.path.split('/').at(-1)}`

const scratch = ['FROM scratch', 'ARG TARGETARCH', 'COPY tool-${TARGETARCH} /tool', ''].join('\n')
const tools = { 'tool-amd64': 'for amd64', 'tool-arm64': 'for arm64' }

/** Of Jobs of this repository alone: those of other tests stay for a while. */
async function podsOf({ path }: TestRepository): Promise<V1Pod[]> {
  const jobs = (await world.jobs()).filter(
    ({ metadata }) => metadata?.annotations?.['kanihook.dev/repository-path'] === path,
  )
  const names = new Set(jobs.map(({ metadata }) => metadata?.name))
  return (await world.pods()).filter(({ metadata }) =>
    names.has(metadata?.labels?.['kanihook.dev/job']),
  )
}

async function push(repository: TestRepository, files: Record<string, string | undefined>) {
  const sha = await repository.commit(files)
  await repository.push('main')
  return sha
}

async function built(
  repository: TestRepository,
  files: Record<string, string | undefined>,
  image = 'app',
) {
  const sha = await push(repository, files)
  return { sha, ...(await world.ended(repository, sha, `kanihook/${image}`)) }
}

const jobsOf = async ({ path }: TestRepository): Promise<string[]> =>
  (await world.jobs())
    .filter(({ metadata }) => metadata?.annotations?.['kanihook.dev/repository-path'] === path)
    .map(({ metadata }) => metadata?.annotations?.['kanihook.dev/part'] ?? '')

test('one push becomes one image for both architectures under all tags, and nothing else has a tag', async () => {
  const repository = await world.repository('tool')
  const files = { Dockerfile: scratch.replaceAll('tool-', 'bin/tool-') }
  const bin = { 'bin/tool-amd64': 'for amd64', 'bin/tool-arm64': 'for arm64' }
  const end = await built(repository, { ...files, ...bin }, 'tool')
  assert.equal(end.status, 'success', end.description)
  const at = `${world.cluster.registry.host}/acme/tool`
  const index = await world.image.index(`${at}:main`)
  assert.ok(index)
  assert.equal(index.mediaType, 'application/vnd.oci.image.index.v1+json')
  assert.deepEqual(
    index.images.map(({ platform }) => platform),
    platforms,
  )
  assert.deepEqual(
    index.images.map(({ configured }) => configured),
    platforms,
  )
  for (const { digest, platform } of index.images) {
    const text = await world.image.file(`${at}@${digest}`, 'tool')
    assert.equal(text, `for ${platform.replace('linux/', '')}`)
  }
  assert.deepEqual((await world.image.tags(at)).toSorted(), ['latest', 'main'])
  assert.equal((await world.image.index(`${at}:latest`))?.digest, index.digest)
  assert.match(end.description, /^Pushed \S+acme\/tool:main and 1 more in \S+ \(sha256:/)
  assert.ok(end.description.includes(`(${index.digest.slice(0, 19)}…)`), end.description)
  assert.deepEqual((await jobsOf(repository)).toSorted(), ['index', ...platforms])

  const html = await (await fetch(end.target_url)).text()
  for (const platform of platforms) {
    assert.ok(html.includes(`<span>${platform}: Building`), platform)
    assert.ok(html.includes(`<em>${platform}</em> `), platform)
  }
  assert.ok(html.includes('<b>publish</b><span>Tagging '))
})

test('a platform that fails is named by the status, and the tag stays where it was', async () => {
  const repository = await world.repository('cross')
  const first = await built(repository, { Dockerfile: scratch, ...tools })
  assert.equal(first.status, 'success', first.description)
  const before = await world.image.index(`${place(repository)}:main`)
  const second = await built(repository, { 'tool-amd64': 'newer', 'tool-arm64': undefined })
  assert.equal(second.status, 'failure')
  assert.equal(second.description, 'linux/arm64: COPY source not found in the context: tool-arm64')
  assert.equal((await world.image.index(`${place(repository)}:main`))?.digest, before?.digest)
  assert.deepEqual(await world.image.tags(place(repository)), ['main'])
})

test('an image of several places has its index in each of them', async () => {
  const repository = await world.repository('both')
  const end = await built(repository, { Dockerfile: scratch, ...tools })
  assert.equal(end.status, 'success', end.description)
  const [one, two] = await Promise.all(
    ['one', 'two'].map((folder) => world.image.index(`${place(repository, folder)}:main`)),
  )
  assert.ok(one)
  assert.equal(two?.digest, one.digest)
  assert.deepEqual(
    two.images.map(({ configured }) => configured),
    platforms,
  )
})

test('layers in the cache are those of their platform', async () => {
  const repository = await world.repository('cached')
  const Dockerfile = [
    `FROM ${world.cluster.baseImage} AS build`,
    'ARG TARGETARCH',
    'RUN echo "$TARGETARCH $(date +%s%N)" > /built',
    'FROM scratch',
    'COPY --from=build /built /built',
    'COPY note.txt /note.txt',
    '',
  ].join('\n')
  const files = async (): Promise<string[]> => {
    const index = await world.image.index(`${place(repository)}:main`)
    const images = index?.images ?? []
    return Promise.all(
      images.map(({ digest }) => world.image.file(`${place(repository)}@${digest}`, 'built')),
    )
  }
  const first = await built(repository, { Dockerfile, 'note.txt': 'one' })
  assert.equal(first.status, 'success', first.description)
  const [amd64 = '', arm64 = ''] = await files()
  assert.match(amd64, /^amd64 /)
  assert.match(arm64, /^arm64 /)
  const second = await built(repository, { 'note.txt': 'two' })
  assert.equal(second.status, 'success', second.description)
  assert.deepEqual(await files(), [amd64, arm64], 'not from the cache')
})

test('a RUN step of another architecture is explained', async () => {
  const base = await world.repository('cross')
  const sha = await base.commitFolder(async (folder) => {
    // A program of arm64 as far as the kernel looks: its ELF header.
    const header = Buffer.alloc(64)
    header.write('\x7fELF\x02\x01\x01', 0, 'latin1')
    header.writeUInt16LE(2, 16)
    header.writeUInt16LE(183, 18)
    await writeFile(join(folder, 'sh'), header, { mode: 0o755 })
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY sh /bin/sh\n')
  })
  await base.push('main')
  assert.equal((await world.ended(base, sha)).status, 'success')
  const repository = await world.repository('cross')
  const Dockerfile = `FROM ${place(base)}:main\nRUN true\n`
  const { status, description } = await built(repository, { Dockerfile })
  assert.equal(status, 'failure')
  assert.match(
    description,
    /^RUN needs a node of linux\/(amd64|arm64): crossBuild is for Dockerfiles that run no program of the platform$/,
  )
})

describe('a platform that no node is of', () => {
  test('ends the build soon, and the status says what to do', async () => {
    const repository = await world.repository('nowhere')
    const { status, description } = await built(repository, { Dockerfile: scratch, ...tools })
    assert.equal(status, 'error')
    assert.equal(
      description,
      'No node of linux/arm64 took the build within 3s: add such a node, or set crossBuild',
    )
    assert.deepEqual(await world.image.tags(place(repository)), [])
    // Its own is gone; that of the other platform, which had ended by itself, may be there.
    assert.ok(!(await jobsOf(repository)).includes('linux/arm64'))
  })

  test('is waited for as long as nodeTimeout says', async () => {
    const repository = await world.repository('patient')
    const { status, description } = await built(repository, { Dockerfile: scratch, ...tools })
    assert.equal(status, 'error')
    assert.match(
      description,
      /^linux\/arm64: Not started within 12s: Unschedulable: .*affinity\/selector$/,
    )
  })
})

for (const moment of ['clone', 'publish', 'index'] as const) {
  test(`a worker that is killed at the ${moment} and started again ends the build with the same Jobs`, async () => {
    const repository = await world.repository('cross')
    const sha = await push(repository, { Dockerfile: scratch, ...tools })
    await eventually(
      async () => {
        const parts = await jobsOf(repository)
        if (moment === 'clone') return parts.length > 0
        if (moment === 'index') return parts.includes('index')
        return (await podsOf(repository)).some(({ status }) =>
          status?.initContainerStatuses?.some(
            ({ name, state }) => name === 'build' && state?.terminated,
          ),
        )
      },
      { within: 60_000, every: 20 },
    )
    await world.kanihook.kill('SIGKILL')
    await world.restart()
    const { status, description } = await world.ended(repository, sha)
    assert.equal(status, 'success', description)
    const index = await world.image.index(`${place(repository)}:main`)
    assert.deepEqual(
      index?.images.map(({ configured }) => configured),
      platforms,
    )
    assert.deepEqual((await jobsOf(repository)).toSorted(), ['index', ...platforms])
  })
}
