import { z } from 'zod'
import { normalizeRepositoryPath, repositoryPathFault } from './repository-path.ts'
import { durationHint, durationPattern, parseDuration } from './duration.ts'

const day = 86_400_000

/** A string in which `fault` finds nothing wrong. */
export const text = (fault: (value: string) => string | undefined) =>
  z.string().superRefine((value, context) => {
    const message = fault(value)
    if (message) context.addIssue({ code: 'custom', message })
  })

/** A string of a pattern; `message` follows the value, and says in brackets what to write. */
export const matching = (pattern: string, message: string) =>
  text((value) => (new RegExp(pattern).test(value) ? undefined : `"${value}" ${message}`)).meta({
    pattern,
  })

/** A file or folder of a repository, relative to its root. */
export const repositoryPath = text(repositoryPathFault).transform(normalizeRepositoryPath)

export const nameOfSecret = matching(
  '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$',
  'cannot be the name of a Secret (lower-case letters, digits, - and .)',
)

export const nameOfNamespace = matching(
  '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  'cannot be the name of a namespace (at most 63 lower-case letters, digits and -)',
)

/** A key of a Secret, which is a file in one folder when it is mounted: no path, and nothing hidden. */
export const nameOfWebhookSecret = matching(
  '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$',
  'cannot be the name of a file in WEBHOOK_SECRETS_DIR (letters, digits, - _ and ., not starting with a dot)',
)

/** More than nothing and at most 24 days; milliseconds when it is read. */
export const duration = z
  .string({ error: `is not a duration (${durationHint})` })
  .transform((value, context) => {
    const ms = parseDuration(value)
    if (ms !== undefined && ms > 0 && ms <= 24 * day) return ms
    const message =
      ms === undefined
        ? `"${value}" is not a duration (${durationHint})`
        : `"${value}" is out of bounds (from 1s to 24d)`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
  .meta({ pattern: durationPattern, examples: ['30m', '168h'] })
