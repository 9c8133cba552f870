import { isEnded } from '../builds/build.ts'
import type { Build, Pushed } from '../builds/build.ts'
import type { StoredLog } from '../builds/ports.ts'
import { remarks } from '../builds/remarks.ts'
import { parseRef } from '../builds/push-event.ts'
import { sizeText } from '../uploads/refused.ts'
import { htmlDocument } from './document.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { isSimulated, lastLines } from './log-text.ts'
import { logView } from './log-view.ts'
import { endedByFindings, scanView } from './scan-view.ts'
import { stepsView } from './steps-view.ts'
import { shortDuration, shortSha, stateWords, utc } from './words.ts'

export interface BuildPage {
  readonly build: Build
  readonly log: StoredLog
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Why the forge does not show the status. */
  readonly refused?: string | undefined
}

/** What a commit's status links to: what was built, why, how far it is, and its log. */
export function buildPage({ build, log, now, refused }: BuildPage): string {
  const { word, tone } = stateWords[build.state]
  const live = !isEnded(build.state)
  return htmlDocument({
    title: `${word}: ${what(build)} at ${shortSha(build.sha)}`,
    tone,
    live,
    body: html`
      <div class="top">
        <span class="brand">kanihook</span>
        <span>Build <code>${build.id}</code></span>
      </div>
      <main class="${tone}">
        ${hero(build, log, now)} ${reason(build, log)} ${refusedView(refused)} ${remarksView(build)}
        ${scanView(build)} ${stepsView(build, now)} ${facts(build)}
        ${logView({ log, since: build.createdAt, live })}
      </main>
      <footer>
        Anyone who has this link can read this
        page.${live && html` It loads itself again until the build has ended.`}
      </footer>
    `,
  })
}

function hero(build: Build, log: StoredLog, now: number): Html {
  const { word } = stateWords[build.state]
  const { kind, name } = parseRef(build.ref)
  const took = shortDuration((build.endedAt ?? now) - build.createdAt)
  return html`<section class="card hero">
    <div class="badges">
      <p class="state"><span class="dot"></span>${word}</p>
      <span class="took">${build.endedAt === undefined ? `for ${took}` : `after ${took}`}</span>
      ${isSimulated(log.lines) && html`<span class="note">Simulated: no image was built</span>`}
    </div>
    <h1>${what(build)}</h1>
    <p class="sub">${kind} <code>${name}</code> at <code>${shortSha(build.sha)}</code></p>
  </section>`
}

const what = ({ image, repository, plan }: Build): string =>
  plan.upload ? `${image}, of an upload` : `${image} of ${repository.path}`

const excerptLines = 8

function reason(build: Build, log: StoredLog): Html | undefined {
  const { outcome, stop } = build
  if (outcome === undefined) {
    return stop && html`<section class="card reason"><p>${stopSentence(stop)}</p></section>`
  }
  if (outcome.state === 'succeeded') return undefined
  const broke = outcome.state === 'failed' || outcome.state === 'error'
  // Findings have a table of their own, and Trivy's is too wide to be cut.
  const excerpt = broke && !endedByFindings(build) ? lastLines(log.lines, excerptLines) : []
  return html`<section class="card reason">
    <p>${outcome.reason}</p>
    ${excerpt.length > 0 && html`<pre>${excerpt.join('\n')}</pre>`}
  </section>`
}

function remarksView(build: Build): Html | undefined {
  const sentences = remarks(build)
  if (sentences.length === 0) return undefined
  return html`<section class="card remarks">
    <h2>Worth a look</h2>
    ${sentences.map((text) => html`<p>${text}</p>`)}
  </section>`
}

const refusedView = (refused: string | undefined): Html | undefined =>
  refused === undefined
    ? undefined
    : html`<section class="card remarks">
        <h2>Not shown on the commit</h2>
        <p>${refused}</p>
      </section>`

const stopSentence = (stop: NonNullable<Build['stop']>): string =>
  stop.why === 'superseded'
    ? `Stopping: ${shortSha(stop.bySha)} is newer`
    : `Stopping: cancelled by ${stop.by}`

function facts(build: Build): Html {
  const { repository, outcome, plan } = build
  const pushed = outcome?.state === 'succeeded' ? outcome.pushed : []
  const images =
    pushed.length > 0
      ? fact('Pushed', pushed.map(pushedImage))
      : fact(
          'Destinations',
          plan.destinations.map((destination) => html`<code>${destination}</code>`),
        )
  return html`<section class="card">
    <h2>Details</h2>
    <dl>
      ${images} ${fact('Why', build.cause)}
      ${
        plan.upload
          ? html`${fact('Uploaded', sizeText(plan.upload.bytes))}
            ${fact('SHA-256', html`<code>${build.sha}</code>`)}`
          : html`${fact('Repository', `${repository.host}/${repository.path}`)}
            ${fact('Commit', html`<code>${build.sha}</code>`)}`
      }
      ${fact('Dockerfile', html`<code>${plan.dockerfile}</code>`)}
      ${plan.context !== '.' && fact('Context', html`<code>${plan.context}</code>`)}
      ${plan.target !== undefined && fact('Target', html`<code>${plan.target}</code>`)}
      ${Object.entries(build.facts?.ran ?? {}).map(([container, image]) =>
        fact(`Ran as ${container}`, html`<code>${image}</code>`),
      )}
      ${build.attempt > 1 && fact('Attempt', build.attempt)}
      ${fact('Created', utc(build.createdAt))}
    </dl>
  </section>`
}

/** The digest stands below the last of the destinations that have it. */
function pushedImage({ destination, digest }: Pushed, index: number, all: readonly Pushed[]): Html {
  const sharedBelow = all[index + 1]?.digest === digest
  return html`<code>${destination}</code>
    ${!sharedBelow && html`<code class="digest">${digest}</code>`}`
}

const fact = (name: string, value: Html | readonly Html[] | string | number): Html =>
  html`<dt>${name}</dt>
    <dd>${value}</dd>`
