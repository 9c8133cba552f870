import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { runChecks } from '../../../src/doctor/checks.ts'
import { imageChecks } from '../../../src/doctor/images.ts'
import { parseConfig } from '../../../src/settings/config-file.ts'
import type { Config } from '../../../src/settings/config.ts'
import {
  startRegistryStandIn,
  type RegistryOptions,
  type RegistryStandIn,
} from '../../stand-ins/registry.ts'
import { freePort } from '../../support/free-port.ts'

/** What is said of the images that builds run. The registry is a stand-in. */

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`

describe('an image that builds run', () => {
  let registry: RegistryStandIn | undefined
  afterEach(async () => {
    await registry?.close()
    registry = undefined
  })

  const start = async (options: Partial<RegistryOptions> = {}): Promise<string> => {
    registry = await startRegistryStandIn({
      login: 'none',
      images: { 'acme/kaniko:v1': digest('1'), 'acme/git:v2': digest('2') },
      ...options,
    })
    return registry.host
  }

  async function look(
    host: string,
    kaniko: string,
    git: string,
    uploads: Config['uploads'] = [],
    entries: Config['entries'] = [],
  ): Promise<string[]> {
    const settings = {
      kanikoImage: `${host}/${kaniko}`,
      cloneImage: `${host}/${git}`,
      scanImage: `${host}/acme/kaniko:v1`,
      publishImage: `${host}/acme/kaniko:v1`,
    }
    const insecure = { host, insecure: true, skipTlsVerify: false, mirror: undefined }
    const { findings } = await runChecks(
      imageChecks(settings, { entries, uploads, registries: [insecure] }),
      5_000,
    )
    return findings.map(
      ({ subject, severity, message, fix }) =>
        `${severity} ${subject}: ${message}${fix === undefined ? '' : ` → ${fix}`}`,
    )
  }

  for (const login of ['none', 'bearer'] as const) {
    it(`named by a tag is shown with its digest, to be pinned by (login: ${login})`, async () => {
      const host = await start({ login })
      assert.deepEqual(await look(host, 'acme/kaniko:v1', `acme/git:v2@${digest('2')}`), [
        `ok KANIKO_IMAGE: ${host}/acme/kaniko:v1 is named by a tag, which can be moved; pinned by digest: KANIKO_IMAGE=${host}/acme/kaniko:v1@${digest('1')}`,
        `ok CLONE_IMAGE: ${host}/acme/git:v2@${digest('2')} is pinned by digest`,
      ])
      for (const request of registry?.requests ?? []) assert.match(request, /^(HEAD|GET \/token)/)
    })
  }

  it('whose tag was moved since it was pinned is a warning', async () => {
    const host = await start()
    const [moved, same] = await look(
      host,
      `acme/kaniko:v1@${digest('9')}`,
      `acme/git@${digest('2')}`,
    )
    assert.equal(
      moved,
      `warning KANIKO_IMAGE: is pinned by digest, and its tag v1 stands for another image now → look at what changed, and set KANIKO_IMAGE=${host}/acme/kaniko:v1@${digest('1')}; or leave it`,
    )
    assert.match(same ?? '', /^ok CLONE_IMAGE: .* is pinned by digest$/)
  })

  it('that uploads alone are published with is looked at, too', async () => {
    const host = await start()
    const { uploads } = parseConfig(
      `repositories: []\nuploads: [{ name: shop, destination: "reg.acme.io/shop", publish: apart }]`,
      'kanihook.yaml',
    )
    const lines = await look(host, 'acme/kaniko:v1', 'acme/git:v2', uploads)
    assert.match(lines[2] ?? '', /^ok PUBLISH_IMAGE: .* is named by a tag/)
    assert.equal((await look(host, 'acme/kaniko:v1', 'acme/git:v2')).length, 2)
  })

  it('that scans is looked at where an image is scanned', async () => {
    const host = await start()
    const { uploads } = parseConfig(
      `repositories: []\nuploads: [{ name: shop, destination: "reg.acme.io/shop", scan: {} }]`,
      'kanihook.yaml',
    )
    const lines = await look(host, 'acme/kaniko:v1', 'acme/git:v2', uploads)
    assert.match(lines[2] ?? '', /^ok SCAN_IMAGE: .* is named by a tag/)
  })

  it('that publishes is looked at where a repository’s own file may want it', async () => {
    const host = await start()
    for (const [says, count] of [
      ['read', 3],
      ['ignore', 2],
    ] as const) {
      const { entries } = parseConfig(
        `repositories: [{ match: a.io/b, destination: reg.acme.io/b, repositoryFile: ${says} }]`,
        'kanihook.yaml',
      )
      const lines = await look(host, 'acme/kaniko:v1', 'acme/git:v2', [], entries)
      assert.equal(lines.length, count, says)
    }
  })

  it('that its registry does not have is a warning', async () => {
    const host = await start()
    const [missing] = await look(host, 'acme/kaniko:v3', 'acme/git:v2')
    assert.match(
      missing ?? '',
      /^warning KANIKO_IMAGE: .* has no image .*\/acme\/kaniko:v3 for anybody/,
    )
  })

  it('is no fault where its registry cannot be asked from here: nodes may reach another one', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`
    const [kaniko] = await look(nowhere, 'acme/kaniko:v1', `acme/git@${digest('2')}`)
    assert.match(
      kaniko ?? '',
      /^ok KANIKO_IMAGE: .* can be moved; 127.* cannot be asked for its digest: .*ECONNREFUSED/,
    )
    const host = await start({ login: 'basic' })
    const [, git] = await look(host, 'acme/kaniko:v1', `acme/git@${digest('2')}`)
    assert.match(git ?? '', /^ok CLONE_IMAGE: .* is pinned by digest; .* cannot be asked/)
  })
})
