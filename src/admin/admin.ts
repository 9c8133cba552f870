// Express 5 takes the rejection of an async handler to the error handler.
/* oxlint-disable oxc/no-async-endpoint-handlers */
import express from 'express'
import type { NextFunction, Request, Response } from 'express'
import type { Logger } from 'pino'
import { answer } from '../http/answer.ts'
import { deadline } from '../http/deadline.ts'
import { createHttpServer, defaultLimits } from '../http/server.ts'
import type { HttpServer } from '../http/server.ts'
import { createApi } from './api.ts'
import type { ApiOptions } from './api.ts'
import { createAccess } from './access.ts'
import { refusal } from './refusal.ts'
import { unreachable } from './readiness.ts'
import type { ReadinessCheck } from './readiness.ts'

export interface AdminOptions extends ApiOptions {
  readonly logger: Logger
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** By the name that `/readyz` shows for what is not reachable. */
  readonly checks: ReadonlyMap<string, ReadinessCheck>
  /** The same of what the worker alone needs: `/readyz?role=receiver` leaves it out. */
  readonly workerChecks: ReadonlyMap<string, ReadinessCheck>
  /** The queues that this process does not consume any more: what only a restart mends. */
  readonly stoppedQueues: () => readonly string[]
  /** Empty: the API answers on this machine alone. */
  readonly tokens: readonly string[]
}

/** The port for operators: health, metrics and the API. Never to be routed to the internet. */
export function createAdmin(options: AdminOptions): HttpServer {
  const { logger, metrics, checks, workerChecks, stoppedQueues, tokens } = options
  const refuse = createAccess(tokens)

  const app = express().disable('x-powered-by').disable('etag')
  app.use((req, res, next) => {
    res.locals['lift'] = deadline(req, res, defaultLimits.requestMs)
    next()
  })
  app.get('/healthz', (_req, res) => {
    const stopped = stoppedQueues()
    if (stopped.length === 0) answer(res, 200, { status: 'ok' })
    else answer(res, 503, { error: sayStopped(stopped) })
  })
  app.get('/readyz', async (req, res) => {
    const { role } = req.query
    if (role !== undefined && role !== 'receiver') {
      return answer(res, 400, { error: 'role: leave it out, or say receiver' })
    }
    // Webhooks can be stored while the cluster is away.
    const wanted = role === 'receiver' ? checks : new Map([...checks, ...workerChecks])
    const missing = await unreachable(wanted)
    if (missing.length === 0) answer(res, 200, { status: 'ready' })
    else answer(res, 503, { error: `not reachable: ${missing.join(', ')}` })
  })
  app.get('/metrics', async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.text())
  })
  app.use('/api', (req, res, next) => {
    const refused = refuse({ peer: req.socket.remoteAddress, headers: req.headers })
    if (refused === undefined) return next()
    const challenge = refused.status === 401 ? { 'www-authenticate': 'Bearer' } : {}
    answer(res, refused.status, { error: refused.error }, challenge)
  })
  app.use('/api', createApi(options))
  app.use((_req, res) => answer(res, 404, { error: 'not found' }))
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    const { status, body } = refusal(error)
    if (status === 500) logger.error({ err: error }, 'admin request failed')
    answer(res, status, body)
  })
  return createHttpServer(app, { connections: 256, requestMs: longestUploadMs })
}

/** Every request has the usual deadline, which an upload has lifted: one that goes on for so long is cut. */
const longestUploadMs = 3_600_000

const sayStopped = (queues: readonly string[]): string =>
  `this process must be restarted: it does not consume its queues any more (${queues.join(', ')})`
