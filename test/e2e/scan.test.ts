import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { dockerConfig } from '../cluster/registry.ts'
import { pushVulnerabilityDb } from '../cluster/vulnerability-db.ts'
import { documentedEntries } from './support/documented.ts'
import type { TestRepository } from './support/repository.ts'
import { provideScanner } from './support/scanner.ts'
import { createSecret } from './support/secret.ts'
import { createWorld, runningCluster, wrongLogin, type World } from './support/world.ts'

/** A real Trivy looks at what a real Kaniko built, with a database of a mirror's shape and made-up findings. */

const page = 'docs/publish-and-scan.md'
const readerSecret = 'registry-reader'
const mirror = 'mirror/trivy-db'

/** Of Alpine's busybox one has a fix and one has not; lodash's has one. */
const vulnerabilities = {
  'data-source': {
    'alpine 3.22': { ID: 'alpine', Name: 'Alpine Secdb', URL: 'https://secdb.alpinelinux.org/' },
  },
  'alpine 3.22': {
    busybox: {
      'CVE-2026-0001': { FixedVersion: '1.37.0-r19' },
      'CVE-2026-0002': { FixedVersion: '' },
    },
  },
  'npm::GitHub Security Advisory npm': {
    lodash: {
      'CVE-2026-0003': { PatchedVersions: ['4.17.21'], VulnerableVersions: ['<4.17.21'] },
    },
  },
  vulnerability: {
    'CVE-2026-0001': { Title: 'a shell too open', Severity: 'HIGH' },
    'CVE-2026-0002': { Title: 'not mended yet', Severity: 'CRITICAL' },
    'CVE-2026-0003': { Title: 'a prototype too many', Severity: 'CRITICAL' },
  },
}

/** What an image is known by: an Alpine with a busybox of this release, and a lodash. */
const files = ({ busybox = '1.37.0-r19', lodash = '4.17.21' } = {}): Record<string, string> => ({
  Dockerfile: 'FROM scratch\nCOPY root /\n',
  'root/etc/alpine-release': '3.22.0\n',
  'root/etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.0\n',
  'root/lib/apk/db/installed': `P:busybox\nV:${busybox}\nA:x86_64\nL:GPL-2.0-only\no:busybox\n\n`,
  'root/app/node_modules/lodash/package.json': JSON.stringify({ name: 'lodash', version: lodash }),
})
const [oldShell, oldLodash] = [{ busybox: '1.37.0-r18' }, { lodash: '4.17.20' }]

let world: World
const held: AsyncDisposable[] = []

before(async () => {
  const cluster = await runningCluster()
  const { registry } = cluster
  const scanner = await provideScanner(cluster)
  held.push(scanner)
  held.push(
    await createSecret(cluster, readerSecret, {
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': dockerConfig(registry) },
    }),
  )
  const repository = await pushVulnerabilityDb(registry, mirror, vulnerabilities)
  world = await createWorld({
    settings: () => ({ SCAN_IMAGE: scanner.image }),
    repositories: (places) => {
      const entry = (name: string, scan: string, settings = ''): string => `
  - match: "${places.forgeHost}/dev/${name}-*"
    images: [{ name: app, destination: "${registry.host}/dev/{repo}", tags: ["{branch}"], scan: { ${scan} }${settings} }]`
      const database = (place = repository, secret = readerSecret): string =>
        `database: { repository: "${place}", secret: ${secret} }`
      return [
        documentedEntries(page, 'Scan an image before it is published', places),
        documentedEntries(page, 'What a repository leaves out', places),
        entry('strict', database()),
        entry('warned', `onFindings: warn, ${database()}`),
        entry('refused', database(repository, wrongLogin)),
        entry('nowhere', database(`${registry.host}/mirror/nothing:2`)),
        entry('several', database(), ', platforms: [linux/amd64, linux/arm64], crossBuild: true'),
      ].join('')
    },
  })
})
after(async () => {
  await world?.close()
  for (const each of held.toReversed()) await each[Symbol.asyncDispose]()
})

async function built(repository: TestRepository, content: Record<string, string>, image = 'app') {
  const sha = await repository.commit(content)
  await repository.push('main')
  return { sha, ...(await world.ended(repository, sha, `kanihook/${image}`)) }
}

const at = (repository: TestRepository): string =>
  `${world.cluster.registry.host}/dev/${repository.path.split('/').at(-1)}:main`

describe('an image with a known vulnerability', () => {
  test('is not published, and leaves the tag where it was', async () => {
    const repository = await world.repository('shop')
    const place = `${world.cluster.registry.host}/acme/shop:main`
    const clean = await built(repository, files(), 'shop')
    assert.equal(clean.status, 'success', clean.description)
    const digest = await world.image.digest(place)
    assert.ok(digest)

    const {
      status,
      description,
      target_url: link,
    } = await built(repository, files({ ...oldShell, ...oldLodash }), 'shop')
    assert.deepEqual(
      [status, description],
      [
        'failure',
        'Not published, it is vulnerable: 1 critical, 1 high; CVE-2026-0003 in lodash 4.17.20 (fixed in 4.17.21)',
      ],
    )
    assert.equal(await world.image.digest(place), digest)
    const html = await (await fetch(link)).text()
    assert.match(html, /<td>CVE-2026-0001<\/td>\s*<td>busybox<\/td>\s*<td>1\.37\.0-r18<\/td>/)
    assert.match(html, /a prototype too many/, 'the report of Trivy is not in the log')
    assert.doesNotMatch(html, /CVE-2026-0002/, 'ignoreUnfixed did not leave it out')
  })

  test('is published by the next commit that mends it', async () => {
    const repository = await world.repository('strict')
    const { status, description } = await built(repository, files({ ...oldShell }))
    assert.deepEqual(
      [status, description],
      [
        'failure',
        'Not published, it is vulnerable: 1 critical, 1 high; CVE-2026-0002 in busybox 1.37.0-r18',
      ],
    )
    assert.equal(await world.image.digest(at(repository)), undefined)
    // It has no fix, so the package has to go.
    const mended = await built(repository, {
      ...files(),
      'root/lib/apk/db/installed': 'P:musl\nV:1.2.5-r10\nA:x86_64\nL:MIT\no:musl\n\n',
    })
    assert.equal(mended.status, 'success', mended.description)
    assert.ok(await world.image.digest(at(repository)))
    assert.match(await (await fetch(mended.target_url)).text(), /none found/)
  })

  test('is published with a word about it, where it is only to be told', async () => {
    const repository = await world.repository('warned')
    const { status, description } = await built(repository, files({ ...oldLodash }))
    assert.equal(status, 'success', description)
    assert.match(description, /^Pushed \S+:main in \S+ \(sha256:\w+…\), vulnerable: 2 critical$/)
    assert.ok(await world.image.digest(at(repository)))
  })

  test('is published, where the repository’s own list says why that is fine', async () => {
    const repository = await world.repository('site')
    const content = files({ ...oldLodash })
    const first = await built(repository, content, 'site')
    assert.equal(first.status, 'failure', first.description)
    const { status, description } = await built(
      repository,
      { '.trivyignore': '# only in tests\nCVE-2026-0002\nCVE-2026-0003\n' },
      'site',
    )
    assert.equal(status, 'success', description)
  })

  test('for one of several platforms moves no tag, and the status says for which', async () => {
    const repository = await world.repository('several')
    const { status, description } = await built(repository, files({ ...oldLodash }))
    assert.equal(status, 'failure')
    assert.match(description, /^linux\/(amd64|arm64): Not published, it is vulnerable: 2 critical/)
    assert.equal(await world.image.digest(at(repository)), undefined)
  })
})

describe('a database that cannot be had', () => {
  test('for its login, is told with the Secret to look at', async () => {
    const repository = await world.repository('refused')
    const { status, description } = await built(repository, files())
    const { host } = world.cluster.registry
    assert.deepEqual(
      [status, description],
      [
        'error',
        `Trivy's database ${host}/${mirror}:2 is refused to Trivy: check Secret ${wrongLogin}`,
      ],
    )
    assert.equal(await world.image.digest(at(repository)), undefined)
  })

  test('for it is not in the mirror, is told with the key to look at', async () => {
    const repository = await world.repository('nowhere')
    const { status, description } = await built(repository, files())
    const { host } = world.cluster.registry
    assert.deepEqual(
      [status, description],
      ['error', `Trivy's database ${host}/mirror/nothing:2 is not there: check scan.database`],
    )
  })
})
