import picomatch from 'picomatch'

/**
 * Globs, the same everywhere in kanihook.yaml: `*` stays within one `/`, `**` crosses, `?` is one
 * character, `[a-z]` and `[!a-z]` one of a set, `{a,b}` one of a few texts, and `\` makes the next
 * character stand for itself. All else stands for itself, a leading dot and brackets `(…)` included.
 */
const options = {
  dot: true,
  nonegate: true,
  noextglob: true,
  strictBrackets: true,
  strictSlashes: true,
}

export type Glob = (text: string) => boolean

/** The matcher of a glob that `globFault` finds nothing wrong with. */
export function compileGlob(glob: string, { ignoreCase = false } = {}): Glob {
  // The flag s lets ** cross a line break: git allows one in the name of a file.
  const expression = expressionOf(glob, ignoreCase ? 'is' : 's')
  return (text) => expression.test(text)
}

/** The same as an expression, whatever it is then run by. */
export const globExpression = (glob: string): RegExp => expressionOf(glob, 's')

// The expression itself, as picomatch's matcher takes a text that equals the glob for a match.
const expressionOf = (glob: string, flags: string): RegExp =>
  picomatch.makeRe(literalise(glob), { ...options, flags })

/** Keeps picomatch from reading `(a|b)`, `+` and `"` as more than characters. */
function literalise(glob: string): string {
  return glob.replace(/\\.|\[!|[()|+"]/gs, (found) => {
    if (found === '[!') return '[^'
    return found.length > 1 ? found : `\\${found}`
  })
}

/** What is wrong with a glob, or undefined. */
export function globFault(glob: string): string | undefined {
  if (glob === '') return 'is empty (write ** for everything)'
  if (glob.startsWith('!')) {
    return `"${glob}" would negate, which globs here do not (for a name that starts with !, write \\${glob})`
  }
  if (/(^|[^\\])(\\\\)*\\$/s.test(glob)) {
    return `"${glob}" ends with a lone \\ (write \\\\ for a backslash)`
  }
  if (glob.length > 1024) return 'is longer than 1024 characters'
  try {
    compileGlob(glob)
    return undefined
  } catch {
    return `"${glob}" is not a glob: a bracket has no partner (write \\[ \\] \\{ \\} for the characters themselves)`
  }
}

/** Whether a glob can match more than one text. */
export const isPattern = (glob: string): boolean => /[*?[{]/.test(glob.replace(/\\./gs, ''))

/** The host that an entry's match names, in lower case; undefined where the glob leaves it open. */
export function hostOfMatch(match: string): string | undefined {
  const host = match.split('/', 1)[0]!.toLowerCase()
  return isPattern(host) || host.includes('\\') ? undefined : host
}
