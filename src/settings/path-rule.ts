import { Script } from 'node:vm'
import type { PathRule } from '../builds/rules.ts'
import type { PathsConfig } from './config.ts'
import { globExpression } from './globs.ts'

export interface PathRuleOptions {
  /** A file that concerns the image whatever `include` says, unless `exclude` names it. */
  readonly also?: string | undefined
  /** How long comparing may take; without one it is waited for. */
  readonly budget?: TimeBudget | undefined
}

/** Milliseconds that several comparisons share. */
export interface TimeBudget {
  left: number
}

/** As a script, since only that can be ended by a time limit: a glob can be made that would take for ever. */
const anyConcerns = new Script(
  'files.some((file) => include.some((each) => each.test(file)) && !exclude.some((each) => each.test(file)))',
)

/** Which changed files concern an image. */
export function createPathRule(
  { include = ['**'], exclude }: PathsConfig,
  { also, budget }: PathRuleOptions = {},
): PathRule {
  const expressions = {
    include: [...include.map(globExpression), ...(also === undefined ? [] : [literally(also)])],
    exclude: exclude.map(globExpression),
  }
  return {
    concern(files) {
      if (!budget) return anyConcerns.runInNewContext({ files, ...expressions }) as boolean
      if (budget.left < 1) return true
      const began = performance.now()
      try {
        const timeout = Math.ceil(budget.left)
        return anyConcerns.runInNewContext({ files, ...expressions }, { timeout }) as boolean
      } catch {
        return true
      } finally {
        budget.left -= performance.now() - began
      }
    },
  }
}

const literally = (path: string): RegExp => globExpression(path.replace(/[\\*?[\]{}]/g, '\\$&'))
