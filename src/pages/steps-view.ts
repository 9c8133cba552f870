import type { Build } from '../builds/build.ts'
import { stepTimes } from '../builds/step-times.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { clock, shortDuration, stepName } from './words.ts'

/** The steps so far, each with its time, its duration and its part of the whole as a bar. */
export function stepsView(build: Build, now: number): Html | undefined {
  const first = build.steps[0]?.at
  if (first === undefined) return undefined
  const whole = Math.max(1, (build.endedAt ?? now) - first)
  const times = stepTimes(build, now)
  const isOfUpload = build.plan.upload !== undefined
  const percent = (ms: number) => ((100 * ms) / whole).toFixed(2)

  return html`<section class="card">
    <h2>Steps <span>times in UTC</span></h2>
    <ol class="steps">
      ${build.steps.map((step, index) => {
        const { ms, open } = times[index]!
        const last = index === build.steps.length - 1
        return html`<li class="${last ? 'last' : ''} ${open ? 'open' : ''}">
          <time datetime="${new Date(step.at).toISOString()}">${clock(step.at)}</time>
          <span>${stepName(step, isOfUpload)}</span>
          <span class="ms">${shortDuration(ms)}</span>
          ${bar(percent(step.at - first), percent(ms))}
          ${step.note !== undefined && html`<small>${step.note}</small>`}
        </li>`
      })}
    </ol>
  </section>`
}

/** An SVG, since the page's policy allows no style attribute. */
const bar = (from: string, width: string): Html =>
  html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect x="${from}" width="${width}" height="8" />
  </svg>`
