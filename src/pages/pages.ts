import { Router } from 'express'
import type { Response } from 'express'
import type { Logger } from 'pino'
import type { BuildStore, LogStore } from '../builds/ports.ts'
import { buildPage } from './build-page.ts'
import { messagePage } from './document.ts'
import { pagePaths, type PageKind } from './link-keys.ts'
import type { Links } from './links.ts'
import { pushPage } from './push-page.ts'
import { statusId } from '../statuses/context.ts'
import { contentSecurityPolicy } from './style.ts'

export interface PagesOptions {
  readonly builds: Pick<BuildStore, 'get'>
  readonly logs: Pick<LogStore, 'read'>
  /** The builds that share a status, and the forge's refusal to show it. */
  readonly statuses: {
    read(id: string): Promise<{
      readonly builds: readonly string[]
      readonly shown?: { readonly refused?: { readonly message: string } } | undefined
    }>
  }
  readonly keys: Pick<Links, 'valid' | 'key'>
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

/** `GET /builds/{id}/{key}` and `GET /pushes/{id}/{key}`, and nothing else: no listing. */
export function createPages(options: PagesOptions): Router {
  const { builds, logs, statuses, keys, mode, logger, now = Date.now, atOnce = 32 } = options
  const pages = Router()
  let active = 0

  /** `read`: the page, or undefined where what it is about is not kept any more. */
  function serve(kind: PageKind, read: (id: string) => Promise<string | undefined>): void {
    // Express 5 takes the rejection of an async handler to the error handler.
    pages.get(`/${pagePaths[kind]}/:id/:key`, async (req, res) => {
      const { id, key } = req.params
      // The key is looked at before the record: a guess learns nothing and costs nothing.
      if (mode === 'off' || !keys.valid(id, key, kind)) return send(res, 404, notFound)
      if (active >= atOnce) return send(res.set('retry-after', '5'), 503, busy)
      active += 1
      // Until the last byte has gone: a reader who is slow on purpose counts too.
      res.once('close', () => (active -= 1))
      try {
        const page = await read(id)
        // A key that is right was given out once, so it was there.
        if (page === undefined) send(res, 410, gone)
        else send(res, 200, page)
      } catch (error) {
        logger.error({ err: error }, 'a page could not be read')
        send(res.set('retry-after', '5'), 503, unreadable)
      }
    })
  }

  serve('build', async (id) => {
    const [build, log] = await Promise.all([builds.get(id), logs.read(id)])
    if (!build) return undefined
    const { shown } = await statuses.read(statusId(build))
    return buildPage({ build, log, now: now(), refused: shown?.refused?.message })
  })
  serve('push', async (id) => {
    const { builds: ids } = await statuses.read(id)
    const found = (await Promise.all(ids.map(builds.get))).filter((build) => build !== undefined)
    return found.length > 0 ? pushPage({ builds: found, key: keys.key }) : undefined
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
