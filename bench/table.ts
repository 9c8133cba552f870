import type { Summary } from './statistics.ts'

/** Rows under headings, columns padded to their widest cell; the first column is text, the others numbers. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  const cell = (text: string, column: number): string => {
    const width = widths[column] ?? 0
    return column === 0 ? text.padEnd(width) : text.padStart(width)
  }
  const rule = widths.map((width) => '─'.repeat(width))
  return [headings, rule, ...rows].map((line) => line.map(cell).join('  ').trimEnd()).join('\n')
}

/** `median (min–max)`, by default without decimals. */
export function range({ median, min, max }: Summary, decimals = 0): string {
  const text = (value: number): string => value.toFixed(decimals)
  return `${text(median)} (${text(min)}–${text(max)})`
}

/** The same in percent of a ratio. */
export function percentRange({ median, min, max }: Summary): string {
  const [middle, low, high] = [median, min, max].map((value) => Math.round(value * 100))
  return `${middle} % (${low}–${high})`
}
