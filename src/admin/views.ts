import type { Build } from '../builds/build.ts'
import { remarks } from '../builds/remarks.ts'
import { severities } from '../builds/scan.ts'
import type { StoredLog } from '../builds/ports.ts'
import type { DeliveryRecord } from '../queue/delivery-queue.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

/** A build as `/api` shows it: every field named here and in openapi.ts, so that none slips out. */
export function viewBuild(build: Build, page: string | null, statusRefused: string | null) {
  const { id, repository, ref, sha, image, generation, attempt, plan, cause, state } = build
  const { outcome } = build
  return {
    id,
    repository,
    ref,
    sha,
    image,
    generation,
    attempt,
    cause,
    foundBy: build.foundBy ?? null,
    state,
    reason: outcome && outcome.state !== 'succeeded' ? outcome.reason : null,
    pushed: outcome?.state === 'succeeded' ? outcome.pushed : [],
    destinations: plan.destinations,
    context: plan.context,
    dockerfile: plan.dockerfile,
    createdAt: iso(build.createdAt),
    endedAt: build.endedAt === undefined ? null : iso(build.endedAt),
    platforms: plan.platforms ?? (plan.platform === undefined ? [] : [plan.platform]),
    steps: build.steps.map(({ name, at, note, part }) => ({
      name,
      at: iso(at),
      note: note ?? null,
      part: part ?? null,
    })),
    tries: jobCount(build),
    ran: Object.entries(build.facts?.ran ?? {}).map(([container, image]) => ({ container, image })),
    scans: (build.scans ?? []).map(({ part, counts, findings }) => ({
      platform: part ?? null,
      counts: Object.fromEntries(severities.map((severity) => [severity, counts[severity] ?? 0])),
      findings: findings.map(({ severity, id, package: name, installed, fixed }) => ({
        severity,
        id,
        package: name,
        installed,
        fixed: fixed ?? null,
      })),
    })),
    remarks: remarks(build),
    stop: build.stop ?? null,
    page,
    statusRefused,
    upload: plan.upload ?? null,
  }
}

const jobCount = ({ tries, parts }: Build): number =>
  parts ? Object.values(parts).reduce((sum, part) => sum + part.tries, 0) : tries

export function viewDelivery({ delivery, state, reason, builds }: DeliveryRecord) {
  const { id, forgeId, receivedAt, event, foundBy } = delivery
  return {
    id,
    forgeId: forgeId ?? null,
    foundBy: foundBy ?? null,
    receivedAt: iso(receivedAt),
    repository: event.repository,
    ref: event.ref,
    before: event.before,
    after: event.after,
    state,
    reason: reason ?? null,
    builds,
  }
}

/** The log from the line `from` on, for programs that come back for what follows. */
export function viewLog({ lines, dropped }: StoredLog, from: number) {
  return {
    lines: lines.map(({ time, container, platform, text }) => ({
      time,
      container,
      platform: platform ?? null,
      text,
    })),
    dropped: Math.max(dropped - from, 0),
    next: Math.max(dropped, from) + lines.length,
  }
}

/** The same for people. A line per line: its time, where there are several its platform, its container, its text. */
export function viewLogText(log: StoredLog, from: number): string {
  const { lines, dropped } = viewLog(log, from)
  const note = dropped > 0 ? [`(${dropped} lines were left out)`] : []
  const shown = lines.map(({ time, container, platform, text }) =>
    [time, ...(platform === null ? [] : [platform]), container, text].join(' '),
  )
  return [...note, ...shown].map((line) => `${line}\n`).join('')
}
