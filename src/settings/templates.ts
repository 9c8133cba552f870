import { templateVariables as tagVariables } from '../builds/tags.ts'
import { closest } from './suggestion.ts'

/** What a destination's path may be made of. */
export const destinationVariables = ['owner', 'repo'] as const

/** What the value of a build argument or a label may be made of. */
export const valueVariables = [...tagVariables, ...destinationVariables] as const

/** What has a value for an upload. */
export const uploadVariables: readonly string[] = ['sha', 'shortSha', 'date']

/** Whether a template of what is built elsewhere has a value for an upload, too. */
export const isForUploads = (template: string): boolean =>
  templateFault(template, uploadVariables) === undefined

/** What is wrong with the `{variables}` of a template, or undefined. */
export function templateFault(text: string, known: readonly string[]): string | undefined {
  for (const [, name] of text.matchAll(/\{([A-Za-z]\w*)\}/g)) {
    if (known.includes(name!)) continue
    const meant = closest(name!, known)
    const list = known.map((each) => `{${each}}`).join(' ')
    return `unknown variable {${name}} (${meant ? `did you mean {${meant}}? ` : ''}known here: ${list})`
  }
  return undefined
}

/**
 * What is wrong with the template of an image's tag, or undefined. Its text must be of a tag's
 * characters (OCI distribution: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`); values are sanitised later.
 */
export function tagFault(text: string): string | undefined {
  const variable = templateFault(text, tagVariables)
  if (variable) return variable
  const literal = text.replace(/\{[A-Za-z]\w*\}/g, '')
  if (text === '') return 'is empty (write e.g. "{branch}")'
  if (!/^[\w.-]*$/.test(literal) || /^[.-]/.test(text)) {
    return `"${text}" cannot be a tag (letters, digits, _ . - and variables, not starting with . or -)`
  }
  return literal.length <= 128 ? undefined : `is longer than a tag may be (128 characters)`
}
