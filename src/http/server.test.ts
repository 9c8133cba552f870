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

  it('answers what comes on a connection that was kept open, and says that it is the last', async () => {
    const server = createHttpServer((_req, res) => res.end('done'), { lingerMs: 10_000 })
    const socket = net.connect(await server.listen('127.0.0.1', 0), '127.0.0.1')
    let received = ''
    socket.on('data', (data) => (received += data.toString()))
    socket.write(get)
    await once(socket, 'data')
    assert.match(received, /connection: keep-alive/i)

    received = ''
    const closed = server.close(20_000)
    socket.write(get)
    await Promise.all([closed, once(socket, 'close')])
    assert.match(received, /^HTTP\/1\.1 200 /)
    assert.match(received, /connection: close/i)
  })

  it('tells the client of a request that is running as well', async () => {
    let answerNow = () => {}
    const started = Promise.withResolvers<void>()
    const server = createHttpServer((_req, res) => {
      answerNow = () => res.end('done')
      started.resolve()
    })
    const socket = net.connect(await server.listen('127.0.0.1', 0), '127.0.0.1')
    let received = ''
    socket.on('data', (data) => (received += data.toString()))
    socket.write(get)
    await started.promise
    const closed = server.close(10_000)
    answerNow()
    await Promise.all([closed, once(socket, 'close')])
    assert.match(received, /connection: close/i)
  })

  it('is closed at once where nobody is connected', async () => {
    const server = createHttpServer(() => undefined, { lingerMs: 600_000 })
    await server.listen('127.0.0.1', 0)
    await server.close(600_000)
  })

  it('hangs up on those who stay silent', async () => {
    const server = createHttpServer((_req, res) => res.end('done'), {
      lingerMs: 20,
      keepAliveMs: 600_000,
    })
    const port = await server.listen('127.0.0.1', 0)
    const silent = net.connect(port, '127.0.0.1')
    await once(silent, 'connect')
    const idle = net.connect(port, '127.0.0.1')
    idle.write(get)
    await once(idle, 'data')
    const hungUp = [once(silent, 'close'), once(idle, 'close')]
    silent.resume()
    idle.resume()
    await server.close(600_000)
    await Promise.all(hungUp)
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
