import { stripVTControlCharacters } from 'node:util'
import type { LogLine } from '../builds/ports.ts'

/** A line as a terminal would leave it: no colours, only the last of what `\r` wrote over itself. */
export function plainText(text: string): string {
  const written = stripVTControlCharacters(text).replace(/\r+$/, '')
  const line = written
    .slice(written.lastIndexOf('\r') + 1)
    // eslint-disable-next-line no-control-regex
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
  return kanikoMessage(line)
}

/** Kaniko writes `time="…" level=info msg="…"`; the page has the time beside each line anyway. */
export function kanikoMessage(line: string): string {
  const [, level, quoted, bare] = /^time="[^"]*" level=(\w+) msg=(?:"(.*)"|(\S*))$/.exec(line) ?? []
  const message = quoted?.replace(/\\(["\\])/g, '$1') ?? bare
  if (message === undefined) return line
  return level === 'info' ? message : `${level}: ${message}`
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
