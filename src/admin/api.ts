import express, { Router } from 'express'
import { z } from 'zod'
import { buildStates } from '../builds/build.ts'
import { answer } from '../http/answer.ts'
import type { DeliveryQueue } from '../queue/delivery-queue.ts'
import { openapi } from './openapi.ts'
import type { AdminBuilds, AdminRepositories } from './ports.ts'
import { NotFound } from './refusal.ts'
import { viewBuild, viewDelivery, viewLog } from './views.ts'

export interface ApiOptions {
  readonly builds: AdminBuilds
  readonly deliveries: Pick<DeliveryQueue, 'get'>
  readonly repositories: AdminRepositories
  /** The page that a build's status links to; undefined where there are no pages. */
  readonly pageUrl: (buildId: string) => string | undefined
}

/** Whom a build names as its cause or its end. */
const by = 'an operator'

const listQuery = z.object({
  repository: z.string().min(1).optional(),
  state: z.enum(buildStates).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.iso.datetime({ offset: true }).optional(),
})

const trustBody = z.strictObject({
  forge: z.string().min(1),
  path: z.string().min(1),
  id: z.string().regex(/^\d+$/, 'a number in quotes is expected'),
})

/** The routes of `/api`, as openapi.ts describes them. Who may use them is decided before. */
export function createApi({ builds, deliveries, repositories, pageUrl }: ApiOptions): Router {
  const api = Router()
  const view = (build: Parameters<typeof viewBuild>[0]) =>
    viewBuild(build, pageUrl(build.id) ?? null)

  api.get('/openapi.json', (_req, res) => answer(res, 200, openapi))

  api.get('/builds', async (req, res) => {
    const { repository, state, limit, before } = listQuery.parse(req.query)
    const query = { repository, state, limit, before: before ? Date.parse(before) : undefined }
    const found = (await builds.list(query)).map(view)
    const next = found.length === limit ? found.at(-1)?.createdAt : undefined
    answer(res, 200, { builds: found, next: next ?? null })
  })

  api.get('/builds/:id', async (req, res) => {
    answer(res, 200, view(found(await builds.get(req.params.id), 'build')))
  })

  api.get('/builds/:id/log', async (req, res) => {
    const { id } = found(await builds.get(req.params.id), 'build')
    res.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    res.type('text/plain').send(viewLog(await builds.log(id)))
  })

  api.post('/builds/:id/rebuild', async (req, res) => {
    answer(res, 202, view(found(await builds.rebuild(req.params.id, by), 'build')))
  })

  api.post('/builds/:id/cancel', async (req, res) => {
    answer(res, 202, view(found(await builds.cancel(req.params.id, by), 'build')))
  })

  api.get('/deliveries/:id', async (req, res) => {
    answer(res, 200, viewDelivery(found(await deliveries.get(req.params.id), 'delivery')))
  })

  api.post('/repositories/trust', express.json({ limit: '16kb' }), async (req, res) => {
    const repository = trustBody.parse(req.body)
    const known = await repositories.trust(repository, by)
    if (!known) throw new NotFound('no such repository')
    answer(res, 200, repository)
  })

  return api
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new NotFound(`no such ${what}`)
  return value
}
