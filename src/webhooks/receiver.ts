import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import type { NextFunction, Request, Response, Router } from 'express'
import type { Logger } from 'pino'
import type { Rules } from '../builds/rules.ts'
import { DeliveryRejected } from '../errors.ts'
import type { WebhookReader } from '../forges/forge.ts'
import { answer } from '../http/answer.ts'
import { createHttpServer, defaultLimits } from '../http/server.ts'
import type { HttpServer, ServerLimits } from '../http/server.ts'
import type { DeliveryQueue } from '../queue/delivery-queue.ts'
import { createInFlight } from './in-flight.ts'
import { createIntake } from './intake.ts'
import type { Taken } from './intake.ts'
import { createJournal } from './journal.ts'
import type { ReceiverMetrics } from './journal.ts'
import { readBody, SenderGone, tooBusy } from './read-body.ts'
import { refusal } from './refusal.ts'
import { checkContent, checkMethod } from './request-head.ts'

export interface ReceiverOptions {
  /** The forges that are on, by route name. */
  readonly forges: ReadonlyMap<string, WebhookReader>
  /** Every forge that there is, on or off. */
  readonly knownForges: readonly string[]
  readonly rules: Rules
  readonly queue: Pick<DeliveryQueue, 'accept' | 'remember'>
  readonly logger: Logger
  readonly metrics?: ReceiverMetrics
  /** Serves `GET /builds/…` on the same port; undefined: there are no pages. */
  readonly pages: Router | undefined
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  readonly limits?: Partial<ServerLimits>
  /** Webhooks answered at once, and the bytes of the bodies that they hold together. */
  readonly inFlight?: { readonly requests: number; readonly bytes: number }
}

/**
 * As many as there may be connections, since a burst is no fault of its senders, and not all of them send again: what
 * they hold is bounded by the bytes.
 */
const usualCap = { requests: defaultLimits.connections, bytes: 256 * 1024 * 1024 }

/**
 * The port that forges post to. A request is checked in the order of what the check costs: method,
 * route, content type, room, size, body, signature. Nothing has a side effect before the signature.
 */
export function createReceiver(options: ReceiverOptions): HttpServer {
  const { forges, knownForges, rules, queue, logger, metrics, pages, now = Date.now } = options
  const intake = createIntake({ rules, queue })
  const journal = createJournal(logger, metrics)
  const inFlight = createInFlight(options.inFlight ?? usualCap)

  async function take(req: IncomingMessage, forge: string): Promise<Taken> {
    checkMethod(req)
    const reader = forges.get(forge)
    if (reader === undefined) throw new DeliveryRejected(404, offOrUnknown(forge))
    checkContent(req)
    const slot = inFlight.enter()
    if (slot === undefined) throw new DeliveryRejected(429, tooBusy)
    try {
      const receivedAt = now()
      const body = await readBody(req, slot)
      const message = await reader.read({ headers: req.headers, body, receivedAt })
      return await intake(forge, message, receivedAt)
    } finally {
      slot.leave()
    }
  }

  const offOrUnknown = (forge: string): string =>
    knownForges.includes(forge) ? 'this forge is off: it has no webhook secrets' : 'not found'

  async function webhook(req: IncomingMessage, res: ServerResponse, forge: string): Promise<void> {
    const startedAt = performance.now()
    // What was asked for is not ours to repeat in the log, nor to make a metric of.
    const known = knownForges.includes(forge) ? forge : 'unknown'
    try {
      const taken = await take(req, forge)
      const { status, delivery, decision, reason } = taken
      answer(res, status, { delivery: delivery?.id ?? null, decision, reason })
      journal.taken(known, taken, startedAt)
    } catch (error) {
      const refused = refusal(error)
      if (!(error instanceof SenderGone)) answer(res, refused.status, refused.body, refused.headers)
      journal.refused(known, error, refused, startedAt)
    }
  }

  const others = express().disable('x-powered-by').disable('etag')
  if (pages !== undefined) others.use(pages)
  others.use((_req, res) => answer(res, 404, { error: 'not found' }))
  others.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    const { status, body, headers } = refusal(error)
    if (status === 500) logger.error({ err: error }, 'request failed')
    answer(res, status, body, headers)
  })

  // Past express on purpose: for a request this small its routing would be a fifth of the work.
  return createHttpServer((req, res) => {
    const forge = route.exec(req.url ?? '')?.[1]
    if (forge === undefined) others(req, res)
    else void webhook(req, res, forge)
  }, options.limits)
}

const route = /^\/webhooks\/([^/?]+)\/?(?:\?|$)/
