import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import { explainBuild } from '../../src/builds/failures.ts'
import { buildPlan } from '../support/samples.ts'
import { read, root } from './markdown.ts'

const page = 'docs/troubleshooting.md'

/** Templates with `…` for each `${…}`, as the page has it for whatever differs. */
function filled(source: string): string {
  let text = source
  for (let before = ''; before !== text;) {
    before = text
    text = text.replaceAll(/\$\{[^{}]*\}/g, '…')
  }
  return text
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
const pattern = (text: string): string => text.split(/…+/).map(escaped).join('[^\\n]*')

/** The texts in the first cells of the page's tables, without the HTTP status before them. */
const quoted = [...read(page).matchAll(/^ *\| +(?:\d{3} )?(`[^|]+`) +\|/gm)]
  .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)])
  .map(([, text = '']) => text)

/** The reasons of failures.ts, clone-failures.ts and refusals.ts, each the text that is given to `author`, `operator` or `passing`. */
const reasons = [
  ...filled(
    [
      'failures',
      'clone-failures',
      'publish-failures',
      'scan-failures',
      'registry-failures',
      'refusals',
    ]
      .map((name) => read(`src/builds/${name}.ts`))
      .join('\n'),
  ).matchAll(/(?:author|operator|passing)\(\s*[`'"]([^]*?)[`'"](?:\.replace[^]*?)?,?\s*\)/g),
].map(([, reason = '']) => reason)

/** What Kubernetes, Helm, Node and the chart say themselves, and states of a delivery. */
const notOurs =
  /^(ERR_UNKNOWN_FILE_EXTENSION$|PVC is not Bound$|… exists and cannot be imported$|the namespace … exists|cannot re-?use a name|PersistentVolumeClaim is not bound$|ImagePullBackOff|ErrImagePull|FailedMount|FailedCreate|queued|planned|ignored|failed)/

test('every text that the page quotes is one that the code says', () => {
  const sources = globSync('src/**/*.ts', { cwd: root }).filter(
    (path) => !path.endsWith('.test.ts'),
  )
  const code = sources.map((path) => filled(read(path))).join('\n')
  const texts = quoted.filter((text) => !notOurs.test(text))
  assert.ok(texts.length > 60, `only ${texts.length} texts were found`)
  const unsaid = texts.filter(
    (text) =>
      // What follows a colon may be another's words, which the code appends.
      !new RegExp(pattern(text.replace(/: …$/, ''))).test(code) &&
      !reasons.some((reason) => new RegExp(`^${pattern(reason)}$`).test(text)),
  )
  assert.deepEqual(unsaid, [])
})

test('every way in which a build can fail is on the page', () => {
  assert.ok(reasons.length > 25, `only ${reasons.length} reasons were found`)
  const untold = reasons.filter(
    (reason) => !quoted.some((text) => new RegExp(`^${pattern(reason)}$`).test(text)),
  )
  assert.deepEqual(untold, [])
})

test('what Kaniko says of a base image leads to the row about it', () => {
  const end = { exitCode: 1, reason: 'Error', message: '' }
  const said = (answer: string): string =>
    explainBuild(end, buildPlan(), [
      'time="x" level=info msg="Retrieving image manifest r.io/base:9"',
      `error building image: last error: GET https://r.io/v2/base/manifests/9: ${answer}`,
    ]).reason
  for (const reason of [said('MANIFEST_UNKNOWN: unknown'), said('UNAUTHORIZED: no')]) {
    assert.ok(
      quoted.some((text) => new RegExp(`^${pattern(text)}$`).test(reason)),
      reason,
    )
  }
})
