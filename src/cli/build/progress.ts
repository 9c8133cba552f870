import { sizeText } from '../../uploads/refused.ts'
import type { Terminal } from '../command.ts'

/** How often a line is written where nothing can be overwritten, in milliseconds. */
const everyMs = 5_000

/** Shows how much of an upload is sent: a bar in a terminal, now and then a line elsewhere. */
export function createProgress(
  { tell, overwrite }: Pick<Terminal, 'tell' | 'overwrite'>,
  total: number,
  now: () => number = Date.now,
): { sent(bytes: number): void; end(): void } {
  let last = now()
  return {
    sent(bytes) {
      const due = now() - last >= (overwrite ? 100 : everyMs)
      if (!due && bytes < total) return
      last = now()
      if (overwrite) overwrite(bar(bytes, total))
      else if (bytes < total) tell(`Uploading: ${percent(bytes, total)}% of ${sizeText(total)}`)
    },
    end() {
      overwrite?.('')
      tell(`Uploaded ${sizeText(total)}`)
    },
  }
}

const percent = (bytes: number, total: number): number => Math.floor((100 * bytes) / total)

const cells = 30

/** `Uploading [###…   ]  50% of 12 MiB` */
function bar(bytes: number, total: number): string {
  const full = Math.round((cells * bytes) / total)
  const share = `${percent(bytes, total)}`.padStart(3)
  return `Uploading [${'#'.repeat(full).padEnd(cells)}] ${share}% of ${sizeText(total)}`
}
