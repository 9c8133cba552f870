import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Repository } from '../../../src/builds/push-event.ts'
import { PermanentError, RetryLater } from '../../../src/errors.ts'
import type { CommitStatus, ForgeDriver, ForgeLogin } from '../../../src/forges/forge.ts'
import { startForgeServer, type Fault } from '../../stand-ins/forge-server.ts'
import type { ForgePartner, StatusFixtures } from './fixtures.ts'

const url = 'https://git.example.com:8443'
const pageUrl = 'https://kanihook.example.com/builds/1/2'

/** The claims about a driver's ForgeClient. */
export function statusContract(driver: ForgeDriver, fixtures: StatusFixtures): void {
  let partner: ForgePartner
  before(async () => {
    partner = await fixtures.startPartner()
  })
  after(() => partner.close())

  const repositoryOf = ({ repository }: ForgePartner): Repository => ({
    forge: driver.name,
    host: 'git.example.com:8443',
    ...repository,
  })
  const clientFor = (apiUrl: string, login: ForgeLogin | undefined) =>
    driver.client({ url, apiUrl, login, webhookSecrets: ['secret'] })
  const client = () => clientFor(partner.apiUrl, partner.login)

  const post = (
    status: Partial<CommitStatus>,
    { to = client(), memory }: { to?: ReturnType<typeof client>; memory?: string | undefined } = {},
  ) =>
    to.postStatus({
      repository: repositoryOf(partner),
      sha: partner.sha,
      ref: partner.ref,
      status: {
        context: 'kanihook/app',
        state: 'queued',
        description: 'Queued',
        targetUrl: pageUrl,
        ...status,
      },
      memory,
    })

  const shown = async (context: string) => {
    const statuses = await partner.statuses(partner.repository.path, partner.sha)
    return statuses.find((status) => status.context === context)
  }

  it('clones from the configured forge', () => {
    assert.equal(client().cloneUrl(repositoryOf(partner)), `${url}/${partner.repository.path}.git`)
  })

  it('knows a repository by its path, whatever the case, by its own id and spelling', async () => {
    const { repository } = partner
    for (const path of [repository.path, repository.path.toUpperCase()]) {
      const asked = { ...repositoryOf(partner), id: '', path }
      assert.deepEqual(await client().find(asked), { id: repository.id, path: repository.path })
    }
    const path = `${repository.path}-that-is-not`
    assert.equal(await client().find({ ...repositoryOf(partner), path }), undefined)
  })

  it('has a login for git', async () => {
    const { username, password } = await client().credential(repositoryOf(partner))
    assert.match(username, /^[\w-]+$/)
    assert.notEqual(password, '')
  })

  it('says which setting is missing where there is no login', async () => {
    const missing = (error: unknown) =>
      error instanceof PermanentError &&
      error.message.includes(`${driver.name.toUpperCase()}_TOKEN`)
    const to = clientFor(partner.apiUrl, undefined)
    await assert.rejects(to.credential(repositoryOf(partner)), missing)
    await assert.rejects(post({}, { to }), missing)
  })

  describe('a status', () => {
    for (const [state, name] of Object.entries(fixtures.states)) {
      it(`that is ${state} is shown as ${name}, with its words and its page`, async () => {
        const context = `kanihook/${state}`
        const description = `${state}: größe 日本語 "quoted" (sha256:1f2e3d4c5b6a…)`
        await post({ context, state: state as CommitStatus['state'], description })
        assert.deepEqual(await shown(context), {
          context,
          state: name,
          description,
          targetUrl: pageUrl,
        })
      })

      it(`that is ${state} may be posted again`, async () => {
        const context = `kanihook/${state}-twice`
        const memory = await post({ context, state: state as CommitStatus['state'] })
        await post({ context, state: state as CommitStatus['state'] }, { memory })
        assert.equal((await shown(context))?.state, name)
      })
    }

    it('goes from queued to building to an end, and on to a rebuild', async () => {
      const context = 'kanihook/whole-life'
      let memory: string | undefined
      const states = ['queued', 'building', 'success', 'queued', 'building', 'failure'] as const
      for (const state of states) {
        memory = await post({ context, state }, { memory })
        assert.equal((await shown(context))?.state, fixtures.states[state])
      }
    })

    it('may have a description of 140 characters', async () => {
      const description = 'ä'.repeat(140)
      await post({ context: 'kanihook/long', description })
      assert.equal((await shown('kanihook/long'))?.description, description)
    })

    it('of a tag is of a context of its own', async () => {
      await post({ context: 'kanihook/tagged', state: 'success' })
      await post({ context: 'kanihook/tagged (v1.2.3)', state: 'failure' })
      assert.equal((await shown('kanihook/tagged'))?.state, fixtures.states.success)
      assert.equal((await shown('kanihook/tagged (v1.2.3)'))?.state, fixtures.states.failure)
    })
  })

  describe('when the forge does not take a status', () => {
    const token = 'canary-4f1d8a'

    /** The error of a post that an API answers with this fault; it holds no token, in no part of it. */
    async function refusal(fault: Fault): Promise<PermanentError | RetryLater> {
      const api = await startForgeServer('fault', () => ({ status: 500 }))
      api.fail(fault, 9)
      try {
        await post({}, { to: clientFor(api.url, { token }) })
      } catch (error) {
        assert(error instanceof PermanentError || error instanceof RetryLater, String(error))
        assert(!`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`.includes(token))
        assert(!error.message.includes('\n'))
        return error
      } finally {
        await api.close()
      }
      return assert.fail('accepted')
    }

    const answer = (status: number, headers: Record<string, string> = {}, message = 'no') => ({
      status,
      headers,
      body: { message },
    })

    const permanent = async (fault: Fault) => {
      const error = await refusal(fault)
      assert(error instanceof PermanentError, `not permanent: ${String(error)}`)
      return error.message
    }
    const retry = async (fault: Fault) => {
      const error = await refusal(fault)
      assert(error instanceof RetryLater, `not to be retried: ${String(error)}`)
      return error.afterMs
    }

    it('no access, no such commit and a status that is not valid are permanent', async () => {
      for (const status of [400, 401, 403, 404, 410, 422]) {
        assert.match(await permanent(answer(status)), new RegExp(`\\b${status}\\b`))
      }
    })

    it('the error says what to look at', async () => {
      assert.match(await permanent(answer(404)), new RegExp(`see ${partner.repository.path} `))
      assert.match(await permanent(answer(401)), /token valid/)
      assert.match(await permanent(answer(422, {}, 'sha is no commit')), /sha is no commit/)
    })

    it('an answer that quotes the token does not bring it into the error', async () => {
      const message = await permanent(answer(403, {}, `bad: ${token}\r\n${'x'.repeat(1000)}`))
      assert.match(message, /bad: \*\*\*/)
      assert(message.length < 500)
    })

    it('a server error, a conflict and a lost connection are tried again', async () => {
      for (const status of [409, 500, 502, 503, 504]) await retry(answer(status))
      await retry('drop')
    })

    it('a rate limit is waited for as long as the forge says, else a minute', async () => {
      assert.equal(await retry(answer(429, { 'retry-after': '7' })), 7000)
      assert.equal(await retry(answer(503, { 'retry-after': '90' })), 90_000)
      assert.equal(await retry(answer(429)), 60_000)
      assert.equal(await retry(answer(403, { 'retry-after': '30' })), 30_000)
      const reset = String(Math.round(Date.now() / 1000) + 300)
      const wait = await retry(
        answer(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }),
      )
      assert(wait !== undefined && wait > 290_000 && wait <= 301_000, String(wait))
      assert.equal(await retry(answer(403, {}, 'You have exceeded a secondary rate limit')), 60_000)
    })

    it('it does not follow the forge elsewhere', async () => {
      const elsewhere = await startForgeServer('elsewhere', () => ({ status: 201, body: {} }))
      try {
        for (const status of [301, 302, 307, 308]) {
          await permanent(answer(status, { location: `${elsewhere.url}/take` }))
        }
        assert.deepEqual(elsewhere.requests, [])
      } finally {
        await elsewhere.close()
      }
    })

    it('a token that no header can hold is named, not shown', async () => {
      const to = clientFor(partner.apiUrl, { token: `${token}\nx-evil: 1` })
      await assert.rejects(post({}, { to }), (error) => {
        assert(error instanceof PermanentError)
        assert(!error.message.includes(token))
        return true
      })
    })
  })
}
