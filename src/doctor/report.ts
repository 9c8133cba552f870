import { styleText } from 'node:util'
import { areas, type Finding } from './finding.ts'

/** 0: all is fine, 1: warnings, 2: errors, 78 (EX_CONFIG): the settings cannot be read. */
export type ExitCode = 0 | 1 | 2 | 78

/** What `kanihook doctor --json` prints, as one line. */
export interface Report {
  /** Ordered by area; within an area what is wrong comes last. */
  readonly findings: readonly Finding[]
  /** The exit code of the command. */
  readonly exitCode: ExitCode
}

export function report(findings: readonly Finding[]): Report {
  return { findings: findings.toSorted(byPlace), exitCode: exitCodeOf(findings) }
}

const severities = ['ok', 'warning', 'error']

const byPlace = (one: Finding, other: Finding): number =>
  areas.indexOf(one.area) - areas.indexOf(other.area) ||
  severities.indexOf(one.severity) - severities.indexOf(other.severity) ||
  (one.subject < other.subject ? -1 : Number(one.subject > other.subject))

function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity === 'error')) return 2
  return findings.some(({ severity }) => severity === 'warning') ? 1 : 0
}

const marks = { ok: '✓', warning: '!', error: '✗' } as const
const colours = { ok: 'green', warning: 'yellow', error: 'red' } as const
const width = Math.max(...areas.map((area) => area.length))

/** The report for people: a line for each finding, and one that sums it up. */
export function reportLines({ findings }: Report, { colour }: { colour: boolean }): string[] {
  const lines = findings.map(({ area, subject, severity, message, fix }) => {
    const mark = marks[severity]
    const painted = colour ? styleText(colours[severity], mark, { validateStream: false }) : mark
    const advice = fix === undefined ? '' : ` → ${fix}`
    return `${painted} ${area.padEnd(width)}  ${plain(`${subject}: ${message}${advice}`)}`
  })
  return [...lines, '', summary(findings)]
}

/** What others said is quoted: none of it may start a line of its own, or paint. */
const plain = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()

function summary(findings: readonly Finding[]): string {
  const count = (wanted: Finding['severity']): number =>
    findings.filter(({ severity }) => severity === wanted).length
  const [errors, warnings] = [count('error'), count('warning')]
  const parts = [
    ...(errors > 0 ? [`${errors} ${errors === 1 ? 'error' : 'errors'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ]
  return parts.length === 0 ? 'All is fine.' : `${parts.join(', ')}.`
}
