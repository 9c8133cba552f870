// Express 5 takes the rejection of an async handler to the error handler.
/* oxlint-disable oxc/no-async-endpoint-handlers */
import type { Router } from 'express'
import { z } from 'zod'
import type { Build } from '../builds/build.ts'
import { PermanentError } from '../errors.ts'
import { answer } from '../http/answer.ts'
import { deadline } from '../http/deadline.ts'
import { buildArgumentFault } from '../settings/build-arguments.ts'
import { imageSettings } from '../settings/image-schema.ts'
import type { AdminUploads } from './ports.ts'

/** `NAME=value` */
const buildArg = z.string().transform((text, context) => {
  const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  const message = text.includes('=') ? buildArgumentFault(name) : `"${text}" is not NAME=value`
  if (message === undefined) return [name, value] as const
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const listOf = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (value === undefined ? [] : [value].flat()), z.array(item))

const wishQuery = z.strictObject({
  image: z.string({ error: 'is missing: name one under uploads of kanihook.yaml' }).min(1),
  dockerfile: imageSettings.dockerfile,
  target: imageSettings.target,
  buildArg: listOf(buildArg),
})

export interface UploadRoutesOptions {
  /** Undefined: this process takes none. */
  readonly uploads: AdminUploads | undefined
  readonly view: (build: Build) => Promise<object>
  /** Whom a build names as its cause. */
  readonly by: string
}

/** How long what is left of a body that was refused is read, so that its sender hears why, in milliseconds. */
const lingerMs = 10_000

/** Adds `/uploads` to `/api`, as openapi.ts describes it. */
export function addUploadRoutes(api: Router, { uploads, view, by }: UploadRoutesOptions): void {
  const on = (): AdminUploads => {
    if (uploads) return uploads
    throw new PermanentError(
      'this process takes no uploads: ask one that has UPLOADS_DIR (a worker)',
    )
  }

  api.get('/uploads', (_req, res) => {
    const { maxBytes, images } = on()
    answer(res, 200, { maxBytes, images: images() })
  })

  api.post('/uploads', async (req, res) => {
    // Whatever is refused on the way, its sender is still sending.
    res.set('connection', 'close')
    try {
      const { buildArg: args, ...rest } = wishQuery.parse(req.query)
      const buildArgs = Object.fromEntries(args)
      const length = req.headers['content-length']
      const declared = length === undefined ? undefined : Number(length)
      res.locals['lift']?.()
      const wish = { ...rest, buildArgs, by }
      const build = await on().build(req, declared, wish, () => res.destroyed)
      answer(res, 202, await view(build))
    } finally {
      deadline(req, res, lingerMs)
      req.resume()
    }
  })
}
