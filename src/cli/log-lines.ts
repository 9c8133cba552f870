import { plainText } from '../pages/log-text.ts'
import type { ApiLog } from './api/answers.ts'

/**
 * Lines of a log for people: the platform where there are several, the container, and the text as a
 * terminal would leave it. Pure.
 */
export function logLines(
  { lines, dropped }: Pick<ApiLog, 'lines' | 'dropped'>,
  { timestamps }: { readonly timestamps: boolean },
): string[] {
  const note = dropped > 0 ? [`(${dropped} lines were left out)`] : []
  const shown = lines.map(({ time, container, platform, text }) =>
    [...(timestamps ? [time] : []), ...(platform ? [platform] : []), container, plainText(text)]
      .join(' ')
      .trimEnd(),
  )
  return [...note, ...shown]
}
