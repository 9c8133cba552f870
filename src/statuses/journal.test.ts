import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { buildPlan } from '../../test/support/samples.ts'
import type { Build } from '../builds/build.ts'
import { ForgeRefused } from '../forges/api-errors.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { createStatusJournal } from './journal.ts'
import { createReporter, type Shown } from './reporter.ts'

/** Two builds, of two branches at one commit, that share a status. */
const builds = ['refs/heads/main', 'refs/heads/next'].map((ref, createdAt): Build => ({
  ...buildPlan({ ref, receivedAt: Date.now() - 3_000 }),
  state: 'waiting',
  createdAt,
  endedAt: undefined,
  steps: [],
  outcome: undefined,
  tries: 0,
  stop: undefined,
  protected: false,
}))

/** What is logged and counted when the forge answers so. */
async function reported(answer: () => Promise<undefined>) {
  let text = ''
  let shown: Shown | undefined
  const destination = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  const metrics = createMetrics()
  const report = createReporter({
    refs: { ref: async () => ({ generation: 1, head: undefined, baseline: false }) },
    store: {
      read: async () => ({
        builds: builds.map(({ id }) => id),
        shown,
      }),
      recordShown: async (_, record) => void (shown = record),
      exclusively: async (_, work) => work().then(() => true),
    },
    builds: { get: async (id) => builds.find((build) => build.id === id) },
    forges: new Map([
      [
        'gitea',
        {
          cloneUrl: () => '',
          sshUrl: () => '',
          find: async () => undefined,
          credential: async () => ({ username: '', password: '' }),
          postStatus: answer,
        },
      ],
    ]),
    pageUrl: () => undefined,
    posted: createStatusJournal(
      createLogger({ level: 'info', format: 'json', destination }),
      metrics,
    ),
  })
  await report('status').catch(() => undefined)
  const { time: _, ...line } = JSON.parse(text) as Record<string, unknown>
  return { line, counts: await metrics.text() }
}

const facts = {
  builds: builds.map(({ id }) => id),
  forge: 'gitea',
  repository: 'acme/app',
  sha: 'a'.repeat(40),
  context: 'kanihook/app',
  state: 'queued',
}

test('a status that was posted is found in the log by each build that shares it, and counted', async () => {
  const { line, counts } = await reported(async () => undefined)
  const { description, ...said } = line
  assert.deepEqual(said, { level: 'info', ...facts, msg: 'status posted' })
  assert.equal(typeof description, 'string')
  assert.ok(counts.includes('kanihook_statuses_total{forge="gitea",result="posted",reason=""} 1\n'))
  assert.match(counts, /^kanihook_push_status_seconds_bucket\{le="2",status="first"\} 0$/m)
  assert.match(counts, /^kanihook_push_status_seconds_bucket\{le="10",status="first"\} 1$/m)
  assert.ok(!counts.includes('status="last"'))
})

test('so is one that the forge refused, with the reason, what to do, and when it is tried again', async () => {
  const { line, counts } = await reported(() =>
    Promise.reject(new ForgeRefused(401, 'Gitea refused')),
  )
  const { description: _, ...said } = line
  assert.deepEqual(said, {
    level: 'error',
    ...facts,
    refused: 'Gitea refused',
    reason: 'token',
    fix: 'set a token that is valid and restart the worker; kanihook doctor looks at tokens',
    again: 'in 1 min',
    msg: 'status refused by the forge',
  })
  assert.ok(
    counts.includes('kanihook_statuses_total{forge="gitea",result="refused",reason="token"} 1\n'),
  )
})
