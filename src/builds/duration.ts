/** 90000 → `1m30s`, as people write durations in kanihook.yaml. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const text = parts.map((part, index) => (part > 0 ? `${part}${'hms'[index]}` : '')).join('')
  return text || '0s'
}
