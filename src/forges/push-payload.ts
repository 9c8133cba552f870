import { z } from 'zod'
import type { PushEvent } from '../builds/push-event.ts'
import { isBranchOrTag } from './git-ref.ts'
import { rejected } from './rejections.ts'

/** The pieces that every forge's push payload is made of; each forge says how they are named. */

const pathPart = /^[\w.][\w.-]{0,254}$/

/** `acme/app`, `group/subgroup/app`: it becomes part of URLs and of arguments, hence the narrow door. */
const isRepositoryPath = (path: string): boolean => {
  const parts = path.split('/')
  return (
    path.length <= 1024 &&
    parts.length >= 2 &&
    parts.every((part) => pathPart.test(part) && part !== '.' && !part.includes('..'))
  )
}

export const refSchema = z.string().refine(isBranchOrTag)

export const objectIdSchema = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i)
  .toLowerCase()

export const repositoryIdSchema = z.int().positive().transform(String)

export const repositoryPathSchema = z.string().refine(isRepositoryPath)

/** A repository without a commit has none. */
export const defaultBranchSchema = z
  .string()
  .refine((name) => name === '' || isBranchOrTag(`refs/heads/${name}`))
  .nullish()
  .transform((name) => name || undefined)

/** What is left of a push payload when the forge's own names are taken off. */
export type Push = Omit<PushEvent, 'repository'> & {
  readonly repository: { readonly id: string; readonly path: string }
}

/** Reads a push payload. Throws DeliveryRejected (400) where it is not what the schema says. */
export function readPush(schema: z.ZodType<Push>, payload: object): Push {
  const result = schema.safeParse(payload)
  if (!result.success) throw rejected.payload()
  return result.data
}

/** The event of a push to a repository of the forge at `url`; the payload has no say in the host. */
export const pushEvent = (forge: string, url: string, push: Push): PushEvent => ({
  ...push,
  repository: { forge, host: new URL(url).host, ...push.repository },
})
