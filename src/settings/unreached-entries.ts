import type { EntryConfig } from './config.ts'
import { compileGlob, isPattern } from './globs.ts'

/**
 * A sentence for each entry that can never decide, as one above it matches all that it matches. Only what is
 * certain is said: of two globs in general nobody can tell.
 */
export function unreachedEntries(entries: readonly Pick<EntryConfig, 'match'>[]): string[] {
  return entries.flatMap(({ match }, i) => {
    const first = entries.slice(0, i).find((earlier) => covers(earlier.match, match))
    if (first === undefined) return []
    return [
      `entry ${i + 1} (${match}) is never reached: ${first.match} above it matches first (move it above that, or remove it)`,
    ]
  })
}

/** Whether it is certain that a glob matches whatever a later one matches. Whatever the case, as entries are. */
function covers(earlier: string, later: string): boolean {
  if (!isPattern(later)) {
    return compileGlob(earlier, { ignoreCase: true })(later.replaceAll(/\\(.)/gs, '$1'))
  }
  return earlier === '**' || coversPattern(earlier.toLowerCase(), later.toLowerCase())
}

/** Of `prefix/*` and `prefix/**` alone, and of globs that begin with the same prefix, letter for letter. */
function coversPattern(earlier: string, later: string): boolean {
  const { prefix, stars } =
    /^(?<prefix>[^*?[\]{}\\]+\/)(?<stars>\*\*?)$/.exec(earlier)?.groups ?? {}
  if (prefix === undefined || !later.startsWith(prefix)) return false
  const rest = later.slice(prefix.length)
  // A set or a choice may hold a /, and an alternative may be empty.
  if (/[[\]{}\\]/.test(rest)) return false
  return stars === '**' || (!rest.includes('/') && !rest.includes('**'))
}
