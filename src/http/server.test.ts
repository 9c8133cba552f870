import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, it } from 'node:test'
import { createHttpServer } from './server.ts'

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

describe('a server that closes', () => {
  it('lets the request that is running end, and hangs up on those who are idle', async () => {
    let answerNow = () => {}
    const started = Promise.withResolvers<void>()
    const server = createHttpServer((_req, res) => {
      answerNow = () => res.end('done')
      started.resolve()
    })
    const port = await server.listen('127.0.0.1', 0)
    const idle = net.connect(port, '127.0.0.1')
    await once(idle, 'connect')
    const busy = net.connect(port, '127.0.0.1')
    busy.write(get)
    let received = ''
    busy.on('data', (data) => (received += data.toString()))
    await started.promise

    const closed = server.close(10_000)
    answerNow()
    await Promise.all([closed, once(busy, 'close')])
    assert.match(received, /^HTTP\/1\.1 200 /)
    assert.match(received, /\r\ndone\r\n|done$/)
  })

  it('cuts a request that does not end within the time of grace', async () => {
    const started = Promise.withResolvers<void>()
    const server = createHttpServer(() => started.resolve())
    const socket = net.connect(await server.listen('127.0.0.1', 0), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(get)
    await started.promise
    const ended = once(socket, 'close')
    await server.close(20)
    await ended
  })

  it('closes twice, and without ever having listened', async () => {
    const server = createHttpServer(() => undefined)
    await server.close(1_000)
    await server.listen('127.0.0.1', 0)
    await server.close(1_000)
    await server.close(1_000)
  })

  it('says that its port is taken', async () => {
    const first = createHttpServer(() => undefined)
    const port = await first.listen('127.0.0.1', 0)
    const second = createHttpServer(() => undefined)
    await assert.rejects(second.listen('127.0.0.1', port), { code: 'EADDRINUSE' })
    await first.close(0)
  })
})
