import { isDeepStrictEqual } from 'node:util'
import type { PartScan } from './build.ts'
import type { Part } from './parts.ts'
import type { ContainerEnd } from './ports.ts'

/** As Trivy names them, worst first. */
export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const

export type Severity = (typeof severities)[number]

/** How an image is scanned before any of its tags moves. */
export interface ScanSettings {
  /** Findings of others are left out. */
  readonly severities: readonly Severity[]
  /** Leaves out what no newer version of the package mends. */
  readonly ignoreUnfixed?: boolean
  /** Trivy's list of findings to leave out, relative to the repository's root; it need not be there. */
  readonly ignoreFile?: string
  /** `fail`: an image with findings is not published. */
  readonly onFindings: 'fail' | 'warn'
  readonly database?: ScanDatabase
}

/** Where Trivy fetches what it knows of vulnerabilities. */
export interface ScanDatabase {
  /** `registry/repository[:tag]`; undefined: Trivy's own. */
  readonly repository?: string | undefined
  /** The same for Java archives, which need a database more. */
  readonly javaRepository?: string | undefined
  /** The login for these: a dockerconfigjson Secret in the build namespace. */
  readonly secret?: string | undefined
}

export interface Finding {
  readonly severity: Severity
  /** As in `CVE-2026-1234`. */
  readonly id: string
  readonly package: string
  readonly installed: string
  /** The versions that mend it, as Trivy writes them; undefined: none yet. */
  readonly fixed?: string
}

/** What a scan found. */
export interface ScanReport {
  readonly counts: Readonly<Partial<Record<Severity, number>>>
  /** The worst first, each once: as many as a termination message holds. */
  readonly findings: readonly Finding[]
}

/** The exit code of a scan that found what an image is not published with. */
export const findingsExitCode = 10

/**
 * Reads the termination message of the scan's container: `scan`, the number of findings of each severity,
 * and a line of tab-separated words for each of them. What does not look like a finding is left out, as
 * the last line may be cut short, and names come from the image. Undefined: it says nothing of a scan.
 */
export function readScan({ message }: Pick<ContainerEnd, 'message'>): ScanReport | undefined {
  const [head = '', ...lines] = message.split('\n')
  if (!/^scan( [A-Z]+=\d{1,6})*$/.test(head)) return undefined
  const counts = severities.flatMap((severity) => {
    const count = Number(new RegExp(` ${severity}=(\\d+)`).exec(head)?.[1] ?? 0)
    return count > 0 ? [[severity, count] as const] : []
  })
  return {
    counts: Object.fromEntries(counts),
    findings: lines.flatMap((line) => readFinding(line) ?? []),
  }
}

/** What the end of a scan adds to what is known; undefined: nothing. */
export function newScan(
  { scans = [] }: { readonly scans?: readonly PartScan[] },
  part: Part,
  end: ContainerEnd,
): ScanReport | undefined {
  const scan = readScan(end)
  const known = scans.find((each) => each.part === part)
  const same =
    scan && known && isDeepStrictEqual({ ...known }, part === undefined ? scan : { part, ...scan })
  return same ? undefined : scan
}

const word = /^[\x21-\x7e]{1,200}$/

function readFinding(line: string): Finding | undefined {
  const [severity, id, name, installed, fixed, ...more] = line.split('\t')
  const known = severities.find((each) => each === severity)
  const words = [id, name, installed].every((text) => text !== undefined && word.test(text))
  if (!known || !words || fixed === undefined || more.length > 0) return undefined
  return {
    severity: known,
    id: id!,
    package: name!,
    installed: installed!,
    ...(fixed === '' ? {} : { fixed }),
  }
}

/** `2 critical, 11 high`; empty where nothing was found. */
export const countsText = ({ counts }: ScanReport): string =>
  severities
    .flatMap((severity) => {
      const count = counts[severity] ?? 0
      return count > 0 ? [`${count} ${severity.toLowerCase()}`] : []
    })
    .join(', ')

/** `CVE-2026-1234 in busybox 1.37.0-r18 (fixed in 1.37.0-r19)` */
export const findingText = ({ id, package: name, installed, fixed }: Finding): string =>
  `${id} in ${name} ${installed}${fixed === undefined ? '' : ` (fixed in ${fixed})`}`

const total = ({ counts }: ScanReport): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

/** The scans of an image's platforms as one: of each severity as many as that with the most has. */
export function worstOf(scans: readonly ScanReport[]): ScanReport | undefined {
  const [first, ...others] = scans.toSorted((a, b) => total(b) - total(a))
  if (!first) return undefined
  const counts = severities.flatMap((severity) => {
    const most = Math.max(...scans.map((scan) => scan.counts[severity] ?? 0))
    return most > 0 ? [[severity, most] as const] : []
  })
  return others.length === 0 ? first : { ...first, counts: Object.fromEntries(counts) }
}
