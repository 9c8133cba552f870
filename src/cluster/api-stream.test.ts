import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { Silence, streamLines } from './api-stream.ts'

/** Answers with one line in two parts, then says nothing more. */
const server = createServer((_, response) => {
  response.write('a lo')
  setImmediate(() => response.write('ng line\nunfin'))
})
const kubeConfig = new KubeConfig()

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u' },
  )
})
after(() => {
  server.closeAllConnections()
  server.close()
})

test('lines come whole however they were sent, and silence is told as silence', async () => {
  const { signal } = new AbortController()
  const seen: string[] = []
  const read = async (): Promise<void> => {
    const request = { kubeConfig, path: '/x', query: {}, idleMs: 100, signal }
    for await (const { text } of streamLines(request)) seen.push(text)
  }
  await assert.rejects(read(), Silence)
  assert.deepEqual(seen, ['a long line'])
})
