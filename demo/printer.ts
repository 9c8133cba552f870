import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** What stands in every line that tells of something that did not happen. */
export const simulatedBanner = 'SIMULATED: no image is built'

export interface Step {
  /** Milliseconds since the epoch; now, unless said. */
  readonly at?: number
  readonly label: string
  readonly text: string
  readonly style?: Style
  readonly simulated?: boolean
}

/** Writes what a person reads: colours on a terminal only, and none where NO_COLOR is set. */
export interface Printer {
  text(line?: string, style?: Style): void
  heading(line: string): void
  /** What one part is; further lines go below. */
  fact(label: string, ...lines: readonly string[]): void
  /** Something that takes time and is no part of the story. */
  progress(message: string): void
  /** From when the times of the steps count, in milliseconds since the epoch. */
  startClock(at?: number): void
  step(step: Step): void
  /** A line of a container's log. */
  log(line: string, simulated: boolean): void
}

const labelWidth = 10
const margin = ' '.repeat(9 + labelWidth)

export function createPrinter(stream: NodeJS.WritableStream = process.stdout): Printer {
  const style = (format: Style, text: string): string => styleText(format, text, { stream })
  const write = (line: string): void => void stream.write(`${line.trimEnd()}\n`)
  const banner = (simulated: boolean | undefined): string =>
    simulated ? `  ${style(['yellow', 'bold'], simulatedBanner)}` : ''
  let zero = Date.now()

  return {
    text: (line = '', format) => write(format === undefined ? line : style(format, line)),
    heading: (line) => write(`\n${style('bold', line)}`),
    fact(label, first = '', ...more) {
      write(`  ${style('bold', label.padEnd(labelWidth))}${first}`)
      for (const line of more) write(`  ${' '.repeat(labelWidth)}${line}`)
    },
    progress: (message) => write(style('dim', `  … ${message}`)),
    startClock: (at = Date.now()) => {
      zero = at
    },
    step({ at = Date.now(), label, text, style: format = 'cyan', simulated }) {
      const seconds = (Math.max(0, at - zero) / 1000).toFixed(1)
      const time = style('dim', `${seconds.padStart(6)}s  `)
      write(`${time}${style(format, label.padEnd(labelWidth))}${text}${banner(simulated)}`)
    },
    log(line, simulated) {
      write(`${margin}${style('dim', `│ ${line}`)}${banner(simulated)}`)
    },
  }
}
