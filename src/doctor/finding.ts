import type { Remark } from '../remark.ts'

/** In the order of the report. */
export const areas = [
  'settings',
  'redis',
  'cluster',
  'forge',
  'registry',
  'image',
  'public-url',
  'clock',
] as const

export type Area = (typeof areas)[number]

/** One line of what `kanihook doctor` says; with `--json` one object of `findings`. */
export interface Finding extends Remark {
  readonly area: Area
  /** What was looked at: `redis:6379`, `github.com`, `registry.acme.io/acme/api`. */
  readonly subject: string
}

/** What one check returns. */
export interface CheckResult {
  readonly findings: readonly Finding[]
  /** Clocks that were seen on the way. */
  readonly clocks?: readonly ClockSample[]
}

export interface ClockSample {
  /** `Redis`, `the Kubernetes API`, `github.com` */
  readonly of: string
  /** How far it is ahead of this machine's clock, in milliseconds; negative: behind. */
  readonly offsetMs: number
}

/** Makes remarks findings about one subject. */
export const about =
  (area: Area, subject: string) =>
  (...remarks: readonly Remark[]): Finding[] =>
    remarks.map((remark) => ({ area, subject, ...remark }))
