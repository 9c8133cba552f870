import { z } from 'zod'

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
