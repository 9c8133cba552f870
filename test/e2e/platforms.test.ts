import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { documentedEntries } from './support/documented.ts'
import type { TestRepository } from './support/repository.ts'
import { createWorld, type World } from './support/world.ts'

/**
 * Images for another architecture than the node's: by crossBuild, which builds them for real. What a
 * platform's own node would do differs by its label alone.
 */

const page = 'docs/multi-architecture.md'

let world: World

before(async () => {
  world = await createWorld({
    repositories: (places) => {
      const { registry, forgeHost } = places
      const entry = (name: string, settings: string): string => `
  - match: "${forgeHost}/dev/${name}-*"
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"], platforms: [linux/arm64], ${settings} }]
`
      return [
        documentedEntries(page, 'Without nodes of each architecture', places),
        entry('cross', 'crossBuild: true'),
        entry('nowhere', 'nodeTimeout: 3s'),
        entry('patient', 'nodeTimeout: 10m, startTimeout: 12s'),
      ].join('')
    },
  })
})
after(() => world.close())

const place = (repository: TestRepository): string =>
  `${world.cluster.registry.host}/dev/${repository.path.split('/').at(-1)}`

const scratch = ['FROM scratch', 'ARG TARGETARCH', 'COPY tool-${TARGETARCH} /tool', ''].join('\n')

async function built(
  repository: TestRepository,
  files: Record<string, string | undefined>,
  image = 'app',
) {
  const sha = await repository.commit(files)
  await repository.push('main')
  return { sha, ...(await world.ended(repository, sha, `kanihook/${image}`)) }
}

test('an image of an architecture that no node is of is built where it runs none of its programs', async () => {
  const repository = await world.repository('tool')
  const Dockerfile = scratch.replaceAll('tool-', 'bin/tool-')
  const files = { Dockerfile, 'bin/tool-amd64': 'for amd64', 'bin/tool-arm64': 'for arm64' }
  const end = await built(repository, files, 'tool')
  assert.equal(end.status, 'success', end.description)
  const at = `${world.cluster.registry.host}/acme/tool:main`
  assert.equal(await world.image.file(at, 'tool'), 'for arm64')
  assert.match(await world.image.description(at), /"architecture":"arm64"/)
})

test('a RUN step of another architecture is explained', async () => {
  const repository = await world.repository('cross')
  const sha = await repository.commitFolder(async (folder) => {
    // A program of arm64 as far as the kernel looks: its ELF header.
    const header = Buffer.alloc(64)
    header.write('\x7fELF\x02\x01\x01', 0, 'latin1')
    header.writeUInt16LE(2, 16)
    header.writeUInt16LE(183, 18)
    await writeFile(join(folder, 'sh'), header, { mode: 0o755 })
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY sh /bin/sh\nRUN true\n')
  })
  await repository.push('main')
  const { status, description } = await world.ended(repository, sha)
  assert.equal(status, 'failure')
  assert.equal(
    description,
    'RUN needs a node of linux/arm64: crossBuild is for Dockerfiles that run no program of the platform',
  )
})

describe('a platform that no node is of', () => {
  const files = { Dockerfile: scratch, 'tool-arm64': 'for arm64' }

  test('ends the build soon, and the status says what to do', async () => {
    const repository = await world.repository('nowhere')
    const { status, description } = await built(repository, files)
    assert.equal(status, 'error')
    assert.equal(
      description,
      'No node of linux/arm64 took the build within 3s: add such a node, or set crossBuild',
    )
    assert.equal(await world.image.digest(`${place(repository)}:main`), undefined)
  })

  test('is waited for as long as nodeTimeout says', async () => {
    const repository = await world.repository('patient')
    const { status, description } = await built(repository, files)
    assert.equal(status, 'error')
    assert.match(description, /^Not started within 12s: Unschedulable: .*affinity\/selector$/)
  })
})
