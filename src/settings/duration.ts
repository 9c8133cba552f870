const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** How a duration is written, as a regular expression. */
export const durationPattern = '^[0-9]+[smhd]$'

/** For messages: what would have been understood. */
export const durationHint = 'write a whole number and a unit: 25s, 30m, 168h or 7d'

/**
 * `25s`, `30m`, `168h`, `7d` → milliseconds; undefined for anything else. A unit is always needed,
 * so that nobody has to know which one a bare number would mean. At most ten years.
 */
export function parseDuration(text: string): number | undefined {
  if (!new RegExp(durationPattern).test(text)) return undefined
  const ms = Number(text.slice(0, -1)) * units[text.slice(-1) as keyof typeof units]
  return ms <= 3_650 * units.d ? ms : undefined
}

/** Milliseconds → the largest unit that writes them exactly: `30m`, `7d`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    if (ms > 0 && ms % units[unit] === 0) return `${ms / units[unit]}${unit}`
  }
  return `${ms / units.s}s`
}
