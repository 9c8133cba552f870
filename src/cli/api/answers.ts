import { z } from 'zod'
import { buildStates } from '../../builds/build.ts'
import { containerNames, stepNames } from '../../builds/containers.ts'

/** The parts of the API's answers that commands use; `/api/openapi.json` describes the whole. */

const time = z.iso.datetime()

export const buildSchema = z.looseObject({
  id: z.string(),
  repository: z.looseObject({ host: z.string(), path: z.string() }),
  ref: z.string(),
  sha: z.string(),
  image: z.string(),
  attempt: z.number(),
  state: z.enum(buildStates),
  reason: z.string().nullable(),
  pushed: z.array(z.looseObject({ destination: z.string(), digest: z.string() })),
  createdAt: time,
  endedAt: time.nullable(),
  steps: z.array(
    z.looseObject({
      name: z.enum(stepNames),
      at: time,
      note: z.string().nullable(),
      part: z.string().nullish(),
    }),
  ),
  tries: z.number(),
  // One of an older version says none.
  remarks: z.array(z.string()).default([]),
  foundBy: z.string().nullish(),
  statusRefused: z.string().nullish(),
  upload: z.looseObject({ bytes: z.number() }).nullish(),
})

export const pageSchema = z.looseObject({
  builds: z.array(buildSchema),
  next: time.nullable(),
})

export const logSchema = z.looseObject({
  lines: z.array(
    z.looseObject({
      time: z.string(),
      container: z.enum(containerNames),
      platform: z.string().nullish(),
      text: z.string(),
    }),
  ),
  dropped: z.number(),
  next: z.number(),
})

export const uploadsSchema = z.looseObject({
  maxBytes: z.number(),
  images: z.array(z.looseObject({ name: z.string(), dockerfile: z.string() })),
})

export const errorSchema = z.looseObject({ error: z.string() })

export type ApiBuild = z.infer<typeof buildSchema>
export type ApiLog = z.infer<typeof logSchema>

export const approvedSchema = z.looseObject({ delivery: z.string() })
export type ApiUploads = z.infer<typeof uploadsSchema>
