import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { sampleBuild } from '../../../test/support/api-samples.ts'
import { CommandFailed } from '../command.ts'
import { createApiClient, NoAnswer, type ApiClient } from './client.ts'

describe('the client of the API', () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  let asked: string[]
  let api: ApiClient
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    api = createApiClient({ url, token: 'canary-token' })
  })
  after(() => server.close())
  beforeEach(() => (asked = []))

  const json = (status: number, body: unknown) => {
    answer = (_, response) => void response.writeHead(status).end(JSON.stringify(body))
  }

  it('reads as many pages as it takes, and no more', async () => {
    const pages = [200, 200, 100]
    answer = (request, response) => {
      const limit = Number(new URL(request.url ?? '', 'http://x').searchParams.get('limit'))
      const size = Math.min(pages[asked.length - 1] ?? 0, limit)
      const next = size === limit ? `2026-01-0${asked.length}T00:00:00Z` : null
      const builds = Array.from({ length: size }, () => sampleBuild())
      response.end(JSON.stringify({ builds, next }))
    }
    assert.equal((await api.builds({ limit: 450, state: 'failed' })).length, 450)
    assert.deepEqual(asked, [
      '/api/builds?limit=200&state=failed',
      '/api/builds?limit=200&state=failed&before=2026-01-01T00%3A00%3A00Z',
      '/api/builds?limit=50&state=failed&before=2026-01-02T00%3A00%3A00Z',
    ])
    asked = []
    assert.equal((await api.builds({ limit: 900 })).length, 500)
  })

  it('cannot be led to another path by an id', async () => {
    json(404, { error: 'no such build' })
    await assert.rejects(api.build('../deliveries/x'), CommandFailed)
    assert.deepEqual(asked, ['/api/builds/..%2Fdeliveries%2Fx'])
  })

  for (const [what, status, body, sentence] of [
    ['a web page', 200, '<html>', /does not answer as kanihook's API does/],
    ['a page that is not there', 404, { error: 'not found' }, /is it the admin port/],
    ['another shape', 200, { id: 1 }, /does not answer as kanihook's API does/],
    ['403', 403, { error: 'set ADMIN_TOKENS' }, /has no ADMIN_TOKENS/],
    ['409', 409, { error: 'it has\nended' }, /^it has ended$/],
  ] as const) {
    it(`says what ${what} means`, async () => {
      json(status, body)
      await assert.rejects(api.build('a'), (error: Error) => {
        assert.ok(error instanceof CommandFailed && !(error instanceof NoAnswer))
        assert.match(error.message, sentence)
        return true
      })
    })
  }

  it('tells what may pass from what does not', async () => {
    json(503, { error: 'Redis cannot be reached now' })
    await assert.rejects(api.build('a'), NoAnswer)
    answer = (request) => void request.socket.destroy()
    await assert.rejects(api.build('a'), NoAnswer)
  })
})
