import { omittedLines } from './build-log.ts'
import { kanikoLine } from './kaniko-line.ts'

/** A line of a log, as it explains a failure. */
export interface Line {
  readonly text: string
  /** Of Kaniko's own lines; undefined: another's, such as a RUN step's. */
  readonly level: string | undefined
}

/** The image that Kaniko was asking for last. */
export function baseImage(log: readonly Line[]): string | undefined {
  const line = log.findLast(({ text }) =>
    /Retrieving image manifest|Downloading base image/.test(text),
  )
  return line && /(?:manifest|base image) ([^\s"]+)/.exec(line.text)?.[1]
}

/** ` for <image>`, or nothing. */
export const forImage = (log: readonly Line[]): string => {
  const image = baseImage(log)
  return image ? ` for ${image}` : ''
}

/** What Kaniko prints at its end without its logger. */
const plainError = /^Error: |^error (building|checking|pushing|resolving|parsing) /

/** Reads a line that Kaniko or another wrote. */
export function readLine(line: string): Line {
  const own = kanikoLine(line)
  if (own) return { text: own.message.replace(/\s*\n\s*/g, ' '), level: own.level }
  const level = plainError.test(line) ? 'error' : line.startsWith('Usage:') ? 'info' : undefined
  return { text: line, level }
}

/** How much of a command is told: what comes after it says why it failed. */
const commandLength = 50

/**
 * The command of the RUN step that Kaniko began last, after a blank; empty where its line was left out,
 * or not written for the sake of `verbosity`.
 */
export function command(log: readonly Line[]): string {
  const cut = log.findLastIndex(({ text }) => text === omittedLines)
  const begun = log.slice(cut + 1).findLast((line) => line.level && /^RUN\s/i.test(line.text))
  if (!begun) return ''
  const text = begun.text.slice('RUN'.length).replace(/\s+/g, ' ').trim()
  const characters = Array.from(text)
  const whole = characters.length <= commandLength
  return ` ${whole ? text : `${characters.slice(0, commandLength - 1).join('')}…`}`
}

/**
 * The RUN step's last words. They may come after Kaniko's own about its end: those are on standard error,
 * and the container runtime does not keep the order of two streams.
 */
export function lastOutput(log: readonly Line[]): string {
  const output = log.filter(
    ({ text, level }) => level === undefined && text.trim() !== '' && text !== omittedLines,
  )
  const words = output.slice(-2).map(({ text }) => text)
  return words.length > 0 ? `: ${words.join(' / ')}` : ''
}
