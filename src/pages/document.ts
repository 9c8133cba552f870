import { html } from './html.ts'
import type { Html } from './html.ts'
import { styleElement } from './style.ts'
import type { Tone } from './words.ts'

export interface Document {
  readonly title: string
  readonly tone: Tone
  /** The page loads itself again: for as long as something can change on it. */
  readonly live: boolean
  readonly body: Html
}

const refreshSeconds = 2

/** A whole HTML page around a body. */
export function htmlDocument({ title, tone, live, body }: Document): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${live && html`<meta http-equiv="refresh" content="${refreshSeconds}" />`}
        <title>${title}</title>
        <link rel="icon" href="${icon(tone)}" />
        ${styleElement}
      </head>
      <body>
        ${body}
      </body>
    </html> `.text
}

/** A page that says one thing. */
export const messagePage = (heading: string, text: string): string =>
  htmlDocument({
    title: heading,
    tone: 'quiet',
    live: false,
    body: html`<main class="message">
      <h1>${heading}</h1>
      <p>${text}</p>
    </main>`,
  })

const iconColours: Readonly<Record<Tone, string>> = {
  waiting: '#8a93a2',
  active: '#2f86e0',
  good: '#30a46c',
  bad: '#e5484d',
  trouble: '#e88c1a',
  quiet: '#8a93a2',
}

/** The state's colour as a dot, for those who have the page in a tab among others. */
const icon = (tone: Tone): string =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" fill="${iconColours[tone]}"/></svg>`,
  )}`
