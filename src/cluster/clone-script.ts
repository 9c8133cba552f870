import { readFileSync } from 'node:fs'
import { contextReport } from './context-report.ts'

const script = readFileSync(new URL('clone.sh', import.meta.url), 'utf8')

/** What the clone container runs; see clone.sh for its arguments and environment. */
export const cloneScript = `${contextReport}\n${script}`
