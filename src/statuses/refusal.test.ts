import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PermanentError } from '../errors.ts'
import { ForgeRefused } from '../forges/api-errors.ts'
import { refusalOf, tryAgainMs } from './refusal.ts'

for (const [claim, error, reason] of [
  ['a token that is not valid', new ForgeRefused(401, '401 Unauthorized'), 'token'],
  ['no right', new ForgeRefused(403, '403 Forbidden'), 'access'],
  ['no such repository', new ForgeRefused(404, '404 Not Found'), 'access'],
  ['a commit that is not there', new ForgeRefused(422, 'No commit found for SHA'), 'content'],
  ['a commit that GitLab has not got', new ForgeRefused(404, '404 Commit Not Found'), 'content'],
  ['a forge that has moved', new ForgeRefused(301, '301 Moved Permanently'), 'other'],
  ['a key that is none', new PermanentError('GitHub App: is it a key?'), 'other'],
] as const) {
  test(`${claim} is told apart: ${reason}, with what to do`, () => {
    const refusal = refusalOf(error)
    assert.deepEqual([refusal.reason, refusal.message], [reason, error.message])
    assert.notEqual(refusal.fix, '')
  })
}

test('what a person can mend is tried again for about a day, a commit that is not there for some minutes', () => {
  const access = refusalOf(new ForgeRefused(404, ''))
  let hours = 0
  let times = 1
  for (let ms; (ms = tryAgainMs(access, times)) !== undefined; times++) hours += ms / 3_600_000
  assert.ok(hours > 22 && hours < 26, `${hours}`)
  assert.equal(times, 30)
  const content = refusalOf(new ForgeRefused(422, ''))
  assert.deepEqual(
    [1, 2, 3, 4].map((refusals) => tryAgainMs(content, refusals)),
    [60_000, 120_000, 240_000, undefined],
  )
})
