import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startForgeServer, type ForgeServer } from './forge-server.ts'

let server: ForgeServer
/** How often the right answer was made. */
let answered: number

beforeEach(async () => {
  answered = 0
  server = await startForgeServer('test', () => {
    answered += 1
    return { status: 200 }
  })
})
afterEach(() => server.close())

/** The status of an answer; 0: the connection was cut. */
const ask = (): Promise<number> =>
  fetch(server.url).then(
    (response) => response.status,
    () => 0,
  )

test('a fault that lasts is every request’s until it is over', async () => {
  server.failAll({ status: 500 })
  assert.deepEqual([await ask(), await ask()], [500, 500])
  server.failAll(undefined)
  assert.equal(await ask(), 200)
})

test('what hangs has no answer, and is cut when that is over, undone', async () => {
  server.failAll('hang')
  const asked = ask()
  await eventually(() => server.requests.length === 1)
  server.failAll(undefined)
  assert.equal(await asked, 0)
  assert.equal(answered, 0)
})

test('what goes unheard is done', async () => {
  server.failAll('unheard')
  assert.equal(await ask(), 0)
  assert.equal(answered, 1)
})
