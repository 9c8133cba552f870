import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ApiException } from '@kubernetes/client-node'
import { failure } from '../remark.ts'
import { dryRun } from './dry-run.ts'
import type { Sample } from './sample-manifest.ts'

const sample = (of: string | undefined): Sample => ({
  of,
  manifest: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: `job-${of}` } },
})
const samples = [undefined, 'linux/amd64', 'linux/arm64', 'index'].map(sample)

const refusal = (message: string, code = 403): ApiException<string> =>
  new ApiException(code, '', JSON.stringify({ message }), {})

const say = async (
  send: (of: string | undefined) => string[],
  known: (error: unknown) => ReturnType<typeof failure> | undefined = () => undefined,
): Promise<string[]> => {
  const ofName = new Map(samples.map(({ of, manifest }) => [manifest.metadata?.name, of]))
  const { remarks, warnings } = await dryRun({
    samples,
    kind: 'Job',
    send: async ({ metadata }) => send(ofName.get(metadata?.name)),
    known,
  })
  return [...remarks.map(({ severity, message }) => `${severity}: ${message}`), ...warnings]
}

it('what the API says alike of all is one line, each platform named', async () => {
  const all =
    "a build's Job; a build's Job for linux/amd64, linux/arm64; the Job that joins platforms"
  assert.deepEqual(await say(() => ['no owner label']), [
    `ok: the API accepts ${all} (tried with dryRun)`,
    'no owner label',
  ])
  const refused = await say((of) => {
    throw refusal(`jobs.batch "job-${of}" is forbidden: no`)
  })
  assert.deepEqual(refused, [`error: the API refuses ${all}: jobs.batch "…" is forbidden: no`])
})

it('what it refuses of one platform alone is told apart from what it accepts', async () => {
  const lines = await say((of) => {
    if (of === 'linux/arm64') throw refusal('no arm here')
    if (of === 'index') throw refusal('no such image')
    return []
  })
  assert.deepEqual(lines, [
    "error: the API refuses a build's Job for linux/arm64: no arm here",
    'error: the API refuses the Job that joins platforms: no such image',
    "ok: the API accepts a build's Job; a build's Job for linux/amd64 (tried with dryRun)",
  ])
})

it('what has nothing to do with a platform is one line, and no answer at all is an error', async () => {
  const missing = (): never => {
    throw refusal('not found', 404)
  }
  assert.deepEqual(await say(missing, () => failure('there is no such namespace')), [
    'error: there is no such namespace',
  ])
  await assert.rejects(
    say(() => {
      throw new Error('away')
    }),
    /away/,
  )
})
