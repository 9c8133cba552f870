import { fine, failure, warning } from '../remark.ts'
import { about, type ClockSample, type Finding } from './finding.ts'

const noticeMs = 30_000
/** Standard Webhooks and the tokens of GitHub Apps allow no more. */
const tooMuchMs = 5 * 60_000

/** Compares this machine's clock with all that were seen. Pure. */
export function clockFindings(clocks: readonly ClockSample[]): Finding[] {
  const off = clocks.filter(({ offsetMs }) => Math.abs(offsetMs) > noticeMs)
  const right = clocks.filter((clock) => !off.includes(clock))
  const here = about('clock', 'this machine')
  return [
    ...(right.length > 0
      ? here(fine(`agrees with ${right.map(({ of }) => of).join(', ')} within 30 s`))
      : []),
    ...off.flatMap(({ of, offsetMs }) => {
      const say = Math.abs(offsetMs) > tooMuchMs ? failure : warning
      const where = right.length > 0 ? `the clock of ${of}` : "this machine's clock"
      return here(
        say(
          `is ${distance(offsetMs)} ${of}`,
          `synchronise ${where} by NTP: beyond 5 minutes GitLab's signed webhooks and a GitHub App's tokens are refused, and TLS breaks`,
        ),
      )
    }),
  ]
}

function distance(offsetMs: number): string {
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  const length = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `${length} ${offsetMs > 0 ? 'behind' : 'ahead of'}`
}
