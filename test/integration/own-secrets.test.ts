import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { forges } from '../../src/forges/index.ts'
import type { HttpServer } from '../../src/http/server.ts'
import { readerOf } from '../../src/receiver-role.ts'
import { createLiveRules, type LiveRules } from '../../src/settings/live-rules.ts'
import { createLiveOwnSecrets, type LiveOwnSecrets } from '../../src/settings/own-secrets.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createReceiver } from '../../src/webhooks/receiver.ts'
import type { WebhookFixtures } from '../contracts/forges/fixtures.ts'
import { giteaFixtures } from '../contracts/forges/gitea.ts'
import { githubFixtures } from '../contracts/forges/github.ts'
import { gitlabSigningFixtures, gitlabTokenFixtures } from '../contracts/forges/gitlab.ts'
import { eventually } from '../support/eventually.ts'
import { recordingQueue, send, textSink } from './receiver-support.ts'

const variants: readonly { name: string; route: string; fixtures: WebhookFixtures }[] = [
  { name: 'github', route: 'github', fixtures: githubFixtures.webhooks },
  { name: 'gitlab by token', route: 'gitlab', fixtures: gitlabTokenFixtures.webhooks },
  { name: 'gitlab by signing key', route: 'gitlab', fixtures: gitlabSigningFixtures.webhooks },
  { name: 'gitea', route: 'gitea', fixtures: giteaFixtures().webhooks },
]

const kanihookYaml = `
defaults: { destination: 'registry.acme.io/{owner}/{repo}' }
repositories:
  - { match: git.example.com/acme/*, branches: ['**'], webhookSecret: acme }
  - { match: 'git.example.com/{acme,globex}/*', branches: ['**'], webhookSecret: globex }
  - { match: git.example.com/lost/*, branches: ['**'], webhookSecret: not-there }
  - { match: other.example.com/**, branches: ['**'], webhookSecret: elsewhere }
  - { match: git.example.com/common/*, branches: ['**'] }
`

for (const { name, route, fixtures } of variants) {
  describe(`secrets of entries, for ${name}`, () => {
    const driver = forges.find((forge) => forge.name === route)!
    const [acme, globex, shared] = fixtures.secrets
    const elsewhere = shared.startsWith('whsec_') ? 'whsec_ZWxzZXdoZXJl' : 'of another host'
    let folder: string
    let queue = recordingQueue()
    let log = ''
    let config: LiveRules
    let ownSecrets: LiveOwnSecrets
    let receiver: HttpServer
    let port: number

    const put = async (file: string, text: string): Promise<void> => {
      await writeFile(join(folder, `.${file}`), text)
      await rename(join(folder, `.${file}`), join(folder, file))
    }

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kanihook-own-secrets-'))
      await put('acme', `${acme}\n`)
      await put('globex', globex)
      await put('elsewhere', elsewhere)
      const path = join(folder, 'kanihook.yaml')
      await writeFile(path, kanihookYaml)
      config = await createLiveRules({ path })
      const logger = createLogger({
        level: 'trace',
        format: 'json',
        destination: textSink((text) => (log += text)),
      })
      ownSecrets = await createLiveOwnSecrets({
        dir: folder,
        entries: () => config.config().entries,
        shared: [shared],
        onProblem: (problem) => logger.error({}, problem),
        pollMs: 100,
      })
      const forge = {
        url: 'https://git.example.com',
        apiUrl: '',
        webhookSecrets: [shared],
        login: undefined,
      }
      const parts = { rules: config.rules, ownSecrets: ownSecrets.of, logger }
      receiver = createReceiver({
        forges: new Map([[route, readerOf(driver, forge, parts)]]),
        knownForges: [route],
        rules: config.rules,
        queue: {
          accept: (delivery) => queue.accept(delivery),
          remember: (delivery) => queue.remember(delivery),
        },
        logger,
        pages: undefined,
      })
      port = await receiver.listen('127.0.0.1', 0)
    })
    after(async () => {
      await receiver.close(0)
      ownSecrets.close()
      config.close()
      await rm(folder, { recursive: true })
    })
    beforeEach(() => {
      queue = recordingQueue()
    })

    const deliver = (secret: string, path: string, event?: string) =>
      send(port, {
        path: `/webhooks/${route}`,
        ...fixtures.deliver({
          secret,
          body: Buffer.from(JSON.stringify(fixtures.payload({ path }))),
          ...(event !== undefined && { event }),
        }),
      })

    const isRefused = async (secret: string, path: string): Promise<void> => {
      const { status, body } = await deliver(secret, path)
      assert.deepEqual([status, body], [401, { error: 'signature missing or wrong' }], path)
      assert.equal(queue.touched(), 0, 'something was stored')
    }

    it('sign for the repositories of their entry', async () => {
      assert.equal((await deliver(acme, 'acme/app')).status, 202)
      assert.equal((await deliver(globex, 'globex/app')).status, 202)
      assert.equal(queue.accepted.length, 2)
    })

    it('sign for no other repository, and nothing of the reason is told outside', async () => {
      for (const path of ['globex/app', 'common/app', 'lost/app', 'nobody/wants']) {
        await isRefused(acme, path)
      }
      // The second entry matches it, and the first one decides.
      await isRefused(globex, 'acme/app')
    })

    it('are told to the operator where they sign for another', async () => {
      log = ''
      await isRefused(acme, 'globex/app')
      await eventually(() => log.includes('webhookSecret'))
      const line = JSON.parse(log.trim()) as Record<string, unknown>
      assert.equal(
        line['cause'],
        'signed by webhookSecret acme, while webhookSecret globex signs for git.example.com/globex/app',
      )
      assert.equal(line['level'], 'warn')
      assert.ok(!log.includes(acme))
    })

    it('take the place of the secrets of the forge, which sign for the rest', async () => {
      for (const path of ['acme/app', 'lost/app']) await isRefused(shared, path)
      assert.equal((await deliver(shared, 'common/app')).status, 202)
    })

    it('of another host sign for nothing here', () => isRefused(elsewhere, 'common/app'))

    it('answer an event that is about no repository', async () => {
      assert.equal((await deliver(acme, 'acme/app', fixtures.otherEvent)).status, 200)
    })

    it('that are not there let nobody in, and the operator is told what to do', async () => {
      await isRefused('', 'lost/app')
      await isRefused('not-there', 'lost/app')
      const [problem] = await problems()
      assert.match(problem ?? '', /^webhookSecret not-there: .* cannot be read: ENOENT \(put it/)
    })

    const problems = async (): Promise<string[]> => {
      const found: string[] = []
      const read = await createLiveOwnSecrets({
        dir: folder,
        entries: () => config.config().entries,
        shared: [],
        onProblem: (problem) => found.push(problem),
      })
      read.close()
      return found.filter((problem) => problem.includes('not-there'))
    }

    it('are rotated without a restart: both hold while both are in the file', async () => {
      const next = acme.startsWith('whsec_') ? `${acme.slice(0, -4)}AAAA` : `${acme} next`
      assert.equal((await deliver(next, 'acme/app')).status, 401)
      await put('acme', `${next},${acme}\n`)
      await eventually(async () => (await deliver(next, 'acme/app')).status === 202)
      assert.equal((await deliver(acme, 'acme/app')).status, 202)
      await put('acme', next)
      await eventually(async () => (await deliver(acme, 'acme/app')).status === 401)
      assert.equal((await deliver(next, 'acme/app')).status, 202)
      await put('acme', acme)
      await eventually(async () => (await deliver(acme, 'acme/app')).status === 202)
    })
  })
}
