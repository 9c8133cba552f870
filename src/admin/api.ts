import express, { Router } from 'express'
import { z } from 'zod'
import { buildStates } from '../builds/build.ts'
import { verbosities } from '../builds/image-plan.ts'
import { answer } from '../http/answer.ts'
import type { DeliveryQueue } from '../queue/delivery-queue.ts'
import { openapi } from './openapi.ts'
import type { AdminBuilds, AdminPullRequests, AdminRepositories, AdminUploads } from './ports.ts'
import { NotFound } from './refusal.ts'
import { addUploadRoutes } from './uploads.ts'
import { viewBuild, viewDelivery, viewLog, viewLogText } from './views.ts'

export interface ApiOptions {
  readonly builds: AdminBuilds
  readonly deliveries: Pick<DeliveryQueue, 'get'>
  readonly pullRequests: AdminPullRequests
  readonly repositories: AdminRepositories
  /** Undefined: this process takes none. */
  readonly uploads?: AdminUploads | undefined
  /** The page that a build's status links to; undefined where there are no pages. */
  readonly pageUrl: (buildId: string) => string | undefined
}

/** Whom a build names as its cause or its end. */
const by = 'an operator'

const listQuery = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{1,16}$/, 'up to 16 lower-case hex digits are expected')
    .optional(),
  repository: z.string().min(1).optional(),
  state: z.enum(buildStates).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.iso.datetime({ offset: true }).optional(),
})

const logQuery = z.object({ from: z.coerce.number().int().min(0).default(0) })

/** No body at all is an empty one. */
const rebuildBody = z
  .strictObject({ verbosity: z.enum(verbosities).optional() })
  .optional()
  .transform((body) => body ?? {})

const trustBody = z.strictObject({
  forge: z.string().min(1),
  path: z.string().min(1),
  id: z.string().regex(/^\d+$/, 'a number in quotes is expected'),
})

const approveBody = z.strictObject({
  repository: z.string().regex(/^[^/]+\/.+$/, 'host/path is expected'),
  number: z.int().positive(),
  sha: z
    .string()
    .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "the commit's whole id is expected, in lower case"),
})

/** The routes of `/api`, as openapi.ts describes them. Who may use them is decided before. */
export function createApi(options: ApiOptions): Router {
  const { builds, deliveries, pullRequests, repositories, uploads, pageUrl } = options
  const api = Router()
  const view = async (build: Parameters<typeof viewBuild>[0]) =>
    viewBuild(build, pageUrl(build.id) ?? null, (await builds.refusedStatus(build)) ?? null)

  api.get('/openapi.json', (_req, res) => answer(res, 200, openapi))

  api.get('/builds', async (req, res) => {
    const { id, repository, state, limit, before: until } = listQuery.parse(req.query)
    const before = until ? Date.parse(until) : undefined
    const query = { id, repository, state, limit, before }
    const found = await Promise.all((await builds.list(query)).map(view))
    const next = found.length === limit ? found.at(-1)?.createdAt : undefined
    answer(res, 200, { builds: found, next: next ?? null })
  })

  api.get('/builds/:id', async (req, res) => {
    answer(res, 200, await view(found(await builds.get(req.params.id), 'build')))
  })

  api.get('/builds/:id/log', async (req, res) => {
    const { from } = logQuery.parse(req.query)
    const { id } = found(await builds.get(req.params.id), 'build')
    const log = await builds.log(id, from)
    if (req.accepts(['text/plain', 'application/json']) === 'application/json') {
      return answer(res, 200, viewLog(log, from), { vary: 'Accept' })
    }
    res.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', vary: 'Accept' })
    res.type('text/plain').send(viewLogText(log, from))
  })

  // Whatever a body says that it is, it is read: it must not be passed over.
  const wish = express.json({ limit: '16kb', type: () => true })
  api.post('/builds/:id/rebuild', wish, async (req, res) => {
    const { verbosity } = rebuildBody.parse(req.body)
    const made = await builds.rebuild(req.params['id'] ?? '', { by, verbosity })
    answer(res, 202, await view(found(made, 'build')))
  })

  api.post('/builds/:id/cancel', async (req, res) => {
    answer(res, 202, await view(found(await builds.cancel(req.params.id, by), 'build')))
  })

  addUploadRoutes(api, { uploads, view, by })

  api.get('/deliveries/:id', async (req, res) => {
    answer(res, 200, viewDelivery(found(await deliveries.get(req.params.id), 'delivery')))
  })

  api.post('/pull-requests/approve', wish, async (req, res) => {
    const approval = approveBody.parse(req.body)
    answer(res, 202, { ...approval, delivery: await pullRequests.approve(approval) })
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
