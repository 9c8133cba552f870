import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { PermanentError, RetryLater } from '../errors.ts'
import { createApi, type ApiRequest } from './api.ts'

const request: ApiRequest = {
  method: 'GET',
  path: ['repos', 'a b', '%2e', 'x/y'],
  login: { header: 'authorization', scheme: 'Bearer', token: 'canary' },
  what: 'the answer',
  check: 'is it there?',
}

async function withServer(listener: RequestListener, use: (baseUrl: string) => Promise<void>) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/base`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe("a forge's API", () => {
  it('is asked below its base, with every segment encoded', () =>
    withServer(
      (incoming, response) => {
        const { url, headers } = incoming
        response.end(JSON.stringify({ url, authorization: headers.authorization }))
      },
      async (baseUrl) => {
        assert.deepEqual(await createApi({ forge: 'Forge', baseUrl }).call(request), {
          url: '/base/repos/a%20b/%252e/x%2Fy',
          authorization: 'Bearer canary',
        })
      },
    ))

  it('is not asked for a path that climbs out of its base', async () => {
    const api = createApi({ forge: 'Forge', baseUrl: 'http://127.0.0.1:9' })
    for (const segment of ['..', '.', '']) {
      await assert.rejects(api.call({ ...request, path: ['repos', segment] }), PermanentError)
    }
  })

  it('has a limited time for its answer, up to its last byte', async () => {
    const silent: RequestListener = () => undefined
    const halting: RequestListener = (_, response) => void response.write('{')
    for (const listener of [silent, halting]) {
      await withServer(listener, async (baseUrl) => {
        const api = createApi({ forge: 'Forge', baseUrl, timeoutMs: 50 })
        await assert.rejects(api.call(request), (error) => {
          assert(error instanceof RetryLater)
          assert.match(error.message, /no answer in time/)
          return true
        })
      })
    }
  })

  it('that cannot be reached is named, with the reason', async () => {
    const api = createApi({ forge: 'Forge', baseUrl: 'http://127.0.0.1:1' })
    await assert.rejects(api.call(request), /^RetryLater: Forge cannot be reached: \w/)
  })

  it('may answer with a page of HTML: the error stays one short line', () =>
    withServer(
      (_, response) => void response.writeHead(502).end(`<html>\n${'x'.repeat(9999)}`),
      async (baseUrl) => {
        await assert.rejects(createApi({ forge: 'Forge', baseUrl }).call(request), (error) => {
          assert(error instanceof RetryLater)
          assert.match(error.message, /^Forge could not take the answer now: 502 Bad Gateway/)
          assert(error.message.length < 300 && !error.message.includes('\n'))
          return true
        })
      },
    ))
})
