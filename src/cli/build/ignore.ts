import dockerignore from '@balena/dockerignore'

/** Which files of a context are left out. */
export interface Ignore {
  /** Whether a file or folder (relative to the context, parts joined by /) is left out. */
  leavesOut(path: string): boolean
  /** Whether nothing below a folder that is left out can be taken in again, so that it need not be read. */
  readonly isFinal: boolean
}

/**
 * Reads a `.dockerignore` as Docker does: the last pattern that fits decides, `!` takes in again, `**` crosses
 * folders, and there are comments. `always`: what goes along whatever it says.
 */
export function readIgnore(text: string, always: readonly string[]): Ignore {
  // In patterns these stand for themselves (Go's filepath.Match), and the library would read them as a RegExp does.
  const patterns = text.replace(/^\uFEFF/, '').replaceAll(/(?<!\\)[+(){}|]/g, '\\$&')
  const rules = dockerignore.default({ ignorecase: false }).add(patterns)
  const kept = new Set(always)
  return {
    leavesOut: (path) => !kept.has(path) && rules.ignores(path),
    isFinal: !/^\s*!/m.test(text) && !always.some((path) => path.includes('/')),
  }
}
