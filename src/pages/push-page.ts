import { isEnded, type Build } from '../builds/build.ts'
import { describeBuild } from '../builds/describe.ts'
import { parseRef } from '../builds/push-event.ts'
import type { CommitStatus } from '../forges/forge.ts'
import { newestPush, summarise } from '../statuses/summary.ts'
import { htmlDocument } from './document.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { shortSha, stateWords, type Tone } from './words.ts'

export interface PushPage {
  /** Those that share one status; at least one. */
  readonly builds: readonly Build[]
  /** The key of a build's page. */
  readonly key: (buildId: string) => string | undefined
}

const tones: Readonly<Record<CommitStatus['state'], Tone>> = {
  queued: 'waiting',
  building: 'active',
  success: 'good',
  failure: 'bad',
  error: 'trouble',
  cancelled: 'quiet',
  skipped: 'quiet',
}

/** What a status about a whole push links to: every image of it, with a link to its build's page. */
export function pushPage({ builds, key }: PushPage): string {
  const pushes = [...Map.groupBy(builds, ({ ref }) => ref).values()].map((all) =>
    newestPush(all, undefined),
  )
  const [{ repository, sha }] = builds as [Build]
  const live = pushes.some((push) => push.builds.some(({ state }) => !isEnded(state)))
  const tone = tones[summarise(pushes[0]!).state]
  return htmlDocument({
    title: `${repository.path} at ${shortSha(sha)}`,
    tone,
    live,
    body: html`
      <div class="top">
        <span class="brand">kanihook</span>
        <span>Commit <code>${sha}</code></span>
      </div>
      <main class="${tone}">
        ${pushes.map(
          (push) => html`
            <section class="card hero">
              <h1>${repository.path}</h1>
              ${refOf(push.builds[0])}
              <p class="sub">${summarise(push).description}</p>
            </section>
            ${push.builds.map((build) => imageView(build, key))}
          `,
        )}
      </main>
      <footer>
        Anyone who has this link can read this page and those of its
        builds.${live && html` It loads itself again until every build has ended.`}
      </footer>
    `,
  })
}

function refOf(build: Build | undefined): Html | undefined {
  if (!build) return undefined
  const { kind, name } = parseRef(build.ref)
  return html`<p class="sub">
    ${kind} <code>${name}</code> at <code>${shortSha(build.sha)}</code>
  </p>`
}

/** The link is relative, so that it leads to wherever this page was read. */
function imageView(build: Build, key: PushPage['key']): Html {
  const { word, tone } = stateWords[build.state]
  const pageKey = key(build.id)
  const name = html`<strong>${build.image}</strong>`
  const link = `../../builds/${build.id}/${pageKey ?? ''}`
  return html`<section class="card reason ${tone}">
    <p>${pageKey === undefined ? name : html`<a href="${link}">${name}</a>`} ${word}</p>
    <p class="sub">${said(build)}</p>
  </section>`
}

/** Why it ended as it did, whole: unlike a status, the page has room for it. */
const said = (build: Build): string =>
  build.outcome && 'reason' in build.outcome ? build.outcome.reason : describeBuild(build)
