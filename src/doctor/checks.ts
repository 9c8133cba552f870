import { setTimeout as delay } from 'node:timers/promises'
import { failure } from '../remark.ts'
import { about, type Area, type CheckResult, type Finding } from './finding.ts'

/** A look at one thing. It may throw, hang, or end late: the report is made all the same. */
export interface Check {
  readonly area: Area
  readonly subject: string
  /** Beyond the limit of all, in milliseconds: for many questions in one check. */
  readonly extraMs?: number
  run(): Promise<CheckResult>
}

/**
 * Runs the checks at once, each for `limitMs` milliseconds at most; one that fails or hangs is an
 * error of its own. Never rejects.
 */
export async function runChecks(checks: readonly Check[], limitMs: number): Promise<CheckResult> {
  const results = await Promise.all(checks.map((check) => runOne(check, limitMs)))
  return {
    findings: results.flatMap(({ findings }) => findings),
    clocks: results.flatMap(({ clocks = [] }) => clocks),
  }
}

async function runOne(check: Check, limitMs: number): Promise<CheckResult> {
  const { area, subject, extraMs = 0 } = check
  const over = new AbortController()
  const lost = (message: string, fix?: string): readonly Finding[] =>
    about(area, subject)(failure(message, fix))
  try {
    return await Promise.race([
      check.run(),
      delay(limitMs + extraMs, undefined, { signal: over.signal }).then(() => ({
        findings: lost(
          `gave no answer within ${(limitMs + extraMs) / 1000} s`,
          'let this machine reach it (a firewall that drops packets looks like this)',
        ),
      })),
    ])
  } catch (error) {
    return { findings: lost(`could not be checked: ${sentence(error)}`) }
  } finally {
    over.abort()
  }
}

const sentence = (error: unknown): string =>
  error instanceof Error ? error.message.slice(0, 200) : 'an unknown fault'
