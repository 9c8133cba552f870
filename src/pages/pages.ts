import { Router } from 'express'
import type { Response } from 'express'
import type { Logger } from 'pino'
import type { BuildStore, LogStore } from '../builds/ports.ts'
import { buildPage } from './build-page.ts'
import { messagePage } from './document.ts'
import type { LinkKeys } from './link-keys.ts'
import { contentSecurityPolicy } from './style.ts'

export interface PagesOptions {
  readonly builds: Pick<BuildStore, 'get'>
  readonly logs: Pick<LogStore, 'read'>
  readonly keys: Pick<LinkKeys, 'valid'>
  /** `off`: every page is 404. */
  readonly mode: 'link' | 'off'
  readonly logger: Pick<Logger, 'error'>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Pages answered at once, so that readers never hold up webhooks on the same port; 503 beyond. */
  readonly atOnce?: number
}

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
  'x-content-type-options': 'nosniff',
}

/** `GET /builds/{id}/{key}`, and nothing else: no listing. */
export function createPages(options: PagesOptions): Router {
  const { builds, logs, keys, mode, logger, now = Date.now, atOnce = 32 } = options
  const pages = Router()
  let active = 0

  // Express 5 takes the rejection of an async handler to the error handler.
  pages.get('/builds/:id/:key', async (req, res) => {
    const { id, key } = req.params
    // The key is looked at before the record: a guess learns nothing and costs nothing.
    if (mode === 'off' || !keys.valid(id, key)) return send(res, 404, notFound)
    if (active >= atOnce) return send(res.set('retry-after', '5'), 503, busy)
    active += 1
    // Until the last byte has gone: a reader who is slow on purpose counts too.
    res.once('close', () => (active -= 1))
    try {
      const [build, log] = await Promise.all([builds.get(id), logs.read(id)])
      // A key that is right was given out once, so the build was there.
      if (build === undefined) send(res, 410, gone)
      else send(res, 200, buildPage({ build, log, now: now() }))
    } catch (error) {
      logger.error({ err: error }, 'a page could not be read')
      send(res.set('retry-after', '5'), 503, unreadable)
    }
  })
  return pages
}

const notFound = messagePage('Not found', 'There is no page here. Is the link complete?')
const busy = messagePage(
  'Busy',
  'Too many people read build pages just now. Try again in a moment.',
)
const unreadable = messagePage(
  'Not now',
  'This page cannot be read just now. Try again in a moment.',
)
const gone = messagePage('No longer kept', 'This build is older than the builds that are kept.')

const send = (res: Response, status: number, page: string): void => {
  res.status(status).set(headers).type('html').send(page)
}
