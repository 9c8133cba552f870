import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import express, { type NextFunction, type Request, type Response } from 'express'
import { addUploadRoutes } from '../../../src/admin/uploads.ts'
import type { Build } from '../../../src/builds/build.ts'
import { createUploadPlanner } from '../../../src/builds/plan-upload.ts'
import { createHttpServer, type HttpServer } from '../../../src/http/server.ts'
import { createStores, type Stores } from '../../../src/queue/stores.ts'
import { createUploads, type HeldUploads } from '../../../src/uploads/uploads.ts'
import { archiveOf } from '../../support/archives.ts'
import { eventually } from '../../support/eventually.ts'
import { useRedis } from '../../support/redis.ts'
import { imageRule, rulesOf } from '../../support/samples.ts'

/** Uploads whose sender never hears of the build that was made of them, on a real Redis. */

const redis = useRedis()
const root = await mkdtemp(join(tmpdir(), 'kanihook-unheard-'))
after(() => rm(root, { recursive: true, force: true }))

let dir: string
let stores: Stores
let held: HeldUploads
let server: HttpServer
/** Where the sender waits for the answer. */
let url: string
/** The server's end of the connection. */
let socket: Socket
/** What happens when the build is there, and nobody was told. */
let beforeAnswer: () => Promise<void>

beforeEach(async () => {
  dir = await mkdtemp(join(root, 'uploads-'))
  stores = createStores(redis.client, {
    buildRetentionMs: 60_000,
    logRetentionMs: 60_000,
    maxBuildsPerRepository: 0,
  })
  const rule = { ...imageRule, destinations: ['registry.example.com/try/app'], tags: ['edge'] }
  held = createUploads({
    settings: { dir, maxBytes: 1 << 20, diskBytes: 1 << 20, port: 0, url: undefined },
    host: '127.0.0.1',
    planner: createUploadPlanner({
      ...stores,
      rules: rulesOf(rule),
      enqueue: () => beforeAnswer(),
      now: Date.now,
    }),
    builds: stores.builds,
    store: stores.uploads,
    logger: { info: () => undefined, warn: () => undefined },
    everyMs: 20,
  })
  await held.open()
  const app = express()
  app.use((req, _res, next) => {
    socket = req.socket
    next()
  })
  addUploadRoutes(app, {
    uploads: {
      maxBytes: held.maxBytes,
      images: () => [],
      build: held.build,
    },
    view: async ({ id }) => ({ id }),
    by: 'an operator',
  })
  app.use((_error: Error, _req: Request, res: Response, _next: NextFunction) => {
    res.status(500).end()
  })
  server = createHttpServer(app)
  url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`
})
afterEach(async () => {
  await server.close(0)
  await held.close()
})

const theBuild = async (): Promise<Build | undefined> => (await stores.builds.list({ limit: 1 }))[0]

/** Its build has ended, and the archive is gone. */
async function isCancelled(): Promise<void> {
  const build = await eventually(async () => {
    const found = await theBuild()
    return found?.state === 'cancelled' && found
  })
  assert.deepEqual(build.outcome, {
    state: 'cancelled',
    reason: 'Cancelled by kanihook: its sender was not told of it',
  })
  await eventually(async () => (await readdir(dir)).length === 0)
  assert.equal(await stores.uploads.find(build.plan.upload?.id ?? ''), undefined)
}

describe('the build of an upload', () => {
  test('goes on while its sender is told of it', async () => {
    beforeAnswer = async () => undefined
    const answer = await fetch(`${url}/uploads?image=app`, {
      method: 'POST',
      body: new Uint8Array(await archiveOf({ Dockerfile: 'FROM scratch' })),
    })
    assert.equal(answer.status, 202)
    const build = await theBuild()
    assert.deepEqual(await answer.json(), { id: build?.id })
    assert.equal(build?.state, 'waiting')
    assert.equal((await readdir(dir)).length, 1)
  })

  test('is cancelled where its sender hung up before the answer', async () => {
    const sending = request(`${url}/uploads?image=app`, { method: 'POST' })
    sending.on('error', () => undefined)
    beforeAnswer = async () => {
      sending.destroy()
      await eventually(() => socket.closed)
    }
    sending.end(await archiveOf({ Dockerfile: 'FROM scratch' }))
    await isCancelled()
  })

  test('is cancelled where its sender was told that it failed', async () => {
    beforeAnswer = () => Promise.reject(new Error('Redis is away'))
    const answer = await fetch(`${url}/uploads?image=app`, {
      method: 'POST',
      body: new Uint8Array(await archiveOf({ Dockerfile: 'FROM scratch' })),
    })
    assert.equal(answer.status, 500)
    await isCancelled()
  })
})
