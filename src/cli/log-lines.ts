import { plainText } from '../pages/log-text.ts'
import type { ApiLog } from './api/answers.ts'

/** Lines of a log for people: the container, and the text as a terminal would leave it. Pure. */
export function logLines(
  { lines, dropped }: Pick<ApiLog, 'lines' | 'dropped'>,
  { timestamps }: { readonly timestamps: boolean },
): string[] {
  const note = dropped > 0 ? [`(${dropped} lines were left out)`] : []
  const shown = lines.map(({ time, container, text }) =>
    `${timestamps ? `${time} ` : ''}${container} ${plainText(text)}`.trimEnd(),
  )
  return [...note, ...shown]
}
