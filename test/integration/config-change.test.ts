import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startKanihook, type KanihookProcess } from '../support/kanihook-process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

/** kanihook.yaml as a running process follows it. */

let redis: TestRedis
let folder: string
let path: string
let kanihook: KanihookProcess

const good = (...matches: string[]): string =>
  JSON.stringify({
    repositories: matches.map((match) => ({ match, destination: 'r.io/{owner}/{repo}' })),
  })

before(async () => {
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'kanihook-config-change-'))
  path = join(folder, 'kanihook.yaml')
  await writeFile(path, good('git.acme.io/acme/*', 'git.acme.io/acme/shop', 'gitlab.com/acme/*'))
  kanihook = await startKanihook({
    KANIHOOK_ROLES: 'receiver',
    REDIS_URL: redis.url,
    KANIHOOK_CONFIG: path,
    GITEA_URL: 'https://git.acme.io',
    GITEA_WEBHOOK_SECRETS: 'a secret of the webhook',
  })
})
after(async () => {
  await kanihook?.kill()
  await redis.stop()
  await rm(folder, { recursive: true, force: true })
})

const shows = (value: 0 | 1): Promise<true> =>
  eventually(
    async () => {
      const text = await (await fetch(`${kanihook.adminUrl}/metrics`)).text()
      return text.includes(`\nkanihook_config_refused ${value}\n`)
    },
    { what: `kanihook_config_refused is ${value}` },
  )

test('a metric says that a changed file is refused, until one is in force again', async () => {
  await shows(0)
  await writeFile(path, 'repositries: []\n')
  await shows(1)
  await writeFile(path, good('git.acme.io/other/*'))
  await shows(0)
  assert.ok(kanihook.log.some(({ msg }) => msg === 'configuration read again'))
})

test('what may not be meant in it is told at the start, and of a changed file when it comes into force', async () => {
  const warnings = (): string[] =>
    kanihook.log.filter(({ level }) => level === 'warn').map(({ msg }) => msg)
  assert.ok(warnings().some((text) => text.startsWith('entry 2 (git.acme.io/acme/shop) is never')))
  assert.ok(warnings().some((text) => text.includes('pushes of gitlab.com/acme/* are never heard')))
  await writeFile(path, good('git.acme.io/new/*', 'git.acme.io/new/shop', 'git.other.io/acme/*'))
  await eventually(
    () =>
      warnings().some((text) => text.startsWith('entry 2 (git.acme.io/new/shop) is never')) &&
      warnings().some((text) => text.includes('pushes of git.other.io/acme/* are never heard')),
    { what: 'the changed file is warned of' },
  )
})
