import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runChecks, type Check } from './checks.ts'

const check = (run: Check['run']): Check => ({ area: 'forge', subject: 'git.acme.io', run })

it('a check that hangs, and one that fails, are an error each; the others are reported', async () => {
  const { findings } = await runChecks(
    [
      check(() => new Promise(() => undefined)),
      check(() => Promise.reject(new Error('odd'))),
      check(async () => ({
        findings: [{ area: 'forge', subject: 'x', severity: 'ok', message: 'fine' }],
      })),
    ],
    20,
  )
  assert.deepEqual(
    findings.map(({ severity, message }) => [severity, message]),
    [
      ['error', 'gave no answer within 0.02 s'],
      ['error', 'could not be checked: odd'],
      ['ok', 'fine'],
    ],
  )
})
