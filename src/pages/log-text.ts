import { stripVTControlCharacters } from 'node:util'
import { kanikoLine } from '../builds/kaniko-line.ts'
import type { LogLine } from '../builds/ports.ts'

/**
 * A line as a terminal would leave it: no colours, only the last of what `\r` wrote over itself. Of a line
 * of Kaniko, in whichever `logFormat`, the message: the page has the time beside each line anyway.
 */
export function plainText(text: string): string {
  const own = kanikoLine(text)
  if (!own) return asShown(text)
  const message = asShown(own.message)
  return own.level === 'info' ? message : `${own.level}: ${message}`
}

function asShown(text: string): string {
  const written = stripVTControlCharacters(text).replace(/\r+$/, '')
  return (
    written
      .slice(written.lastIndexOf('\r') + 1)
      // eslint-disable-next-line no-control-regex
      .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
  )
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
