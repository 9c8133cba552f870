import { stripVTControlCharacters } from 'node:util'
import type { LogLine } from '../builds/ports.ts'

/** A line as a terminal would leave it: no colours, only the last of what `\r` wrote over itself. */
export function plainText(text: string): string {
  const written = stripVTControlCharacters(text).replace(/\r+$/, '')
  // eslint-disable-next-line no-control-regex
  return written.slice(written.lastIndexOf('\r') + 1).replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
}

/** The last lines that say something, oldest first: what a failure is usually explained by. */
export const lastLines = (lines: readonly LogLine[], count: number): readonly string[] =>
  lines
    .slice(-count * 4)
    .map(({ text }) => plainText(text))
    .filter((text) => text.trim() !== '')
    .slice(-count)

/** Whether the log says that no real builder ran. */
export const isSimulated = (lines: readonly LogLine[]): boolean =>
  lines.some(({ text }) => text.startsWith('[simulated]'))
