import type { LogLine, StoredLog } from '../builds/ports.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { plainText } from './log-text.ts'

export interface LogView {
  readonly log: StoredLog
  /** Times are shown from here; milliseconds since the epoch. */
  readonly since: number
  readonly live: boolean
}

/** A live page is loaded every other second, so it carries less. */
const shownLines = { live: 1_000, ended: 10_000 }

/** The log, at its end when the page opens. */
export function logView({ log, since, live }: LogView): Html {
  const { lines, dropped } = log
  const shown = lines.slice(-(live ? shownLines.live : shownLines.ended))
  const hidden = lines.length - shown.length
  return html`<section class="card log">
    <h2>Log <span>${notes({ live, hidden, dropped })}</span></h2>
    ${
      shown.length === 0
        ? html`<p class="empty">${live ? 'Waiting for the first line…' : 'There is no log.'}</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Log">
            <ol class="lines">
              ${shown.map((line) => logLine(line, since))}
            </ol>
          </div>`
    }
  </section>`
}

const count = (lines: number): string => lines.toLocaleString('en')

function notes(of: { live: boolean; hidden: number; dropped: number }): string {
  return [
    of.dropped > 0 && `${count(of.dropped)} lines were dropped to keep the log small`,
    of.hidden > 0 && `${count(of.hidden)} earlier lines are not shown`,
    of.live && 'live',
  ]
    .filter(Boolean)
    .join(' · ')
}

/** On one line of HTML: thousands of them make a page. */
function logLine({ time, container, platform, text }: LogLine, since: number): Html {
  const at = seconds(time, since)
  const plain = plainText(text)
  const shown = platform === undefined ? plain : html`<em>${platform}</em> ${plain}`
  return html`<li><i>${at}</i><b>${container}</b><span>${shown}</span></li>`
}

function seconds(time: string, since: number): string {
  const ms = Date.parse(time) - since
  return Number.isNaN(ms) ? '' : `${(ms / 1000).toFixed(1)}s`
}
