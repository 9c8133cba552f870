import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PermanentError, RetryLater } from '../errors.ts'
import { apiError } from './api-errors.ts'

const now = Date.parse('2026-02-03T04:05:00Z')

const errorOf = (status: number, headers: Record<string, string> = {}, body: unknown = {}) =>
  apiError(
    'GitHub',
    { what: 'the status', check: 'does the token see acme/app?' },
    { status, headers: new Headers(headers), body },
    now,
  )

const waitOf = (status: number, headers?: Record<string, string>, body?: unknown) => {
  const error = errorOf(status, headers, body)
  assert(error instanceof RetryLater, String(error))
  return error.afterMs
}

describe('the error for an answer', () => {
  it('is a sentence that says what to look at', () => {
    assert.equal(
      errorOf(404, {}, { message: 'Not Found' }).message,
      'GitHub refused the status: 404 Not Found: does the token see acme/app?',
    )
    assert.equal(
      errorOf(422, {}, { message: 'Validation Failed' }).message,
      'GitHub refused the status: 422 Unprocessable Entity (Validation Failed)',
    )
    assert.equal(
      errorOf(400, {}, { message: { name: ['is too long'] } }).message,
      'GitHub refused the status: 400 Bad Request ({"name":["is too long"]})',
    )
  })

  it('waits as long as Retry-After says, in seconds or as a date', () => {
    assert.equal(waitOf(429, { 'retry-after': '12' }), 12_000)
    assert.equal(waitOf(429, { 'retry-after': 'Tue, 03 Feb 2026 04:05:30 GMT' }), 30_000)
    assert.equal(waitOf(429, { 'retry-after': 'soon' }), 60_000)
  })

  it('waits until the window ends where the limit is used up', () => {
    const reset = String(now / 1000 + 120)
    const github = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }
    const gitlab = { 'ratelimit-remaining': '0', 'ratelimit-reset': reset }
    assert.equal(waitOf(403, github), 120_000)
    assert.equal(waitOf(429, gitlab), 120_000)
  })

  it('waits neither for nothing nor for days, whatever the headers say', () => {
    assert.equal(waitOf(429, { 'retry-after': '0' }), 1000)
    assert.equal(waitOf(429, { 'retry-after': '99999999' }), 3_600_000)
    assert.equal(waitOf(429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' }), 1000)
  })

  it('leaves the wait open where the forge names none', () => {
    assert.equal(waitOf(500), undefined)
    assert.equal(waitOf(409), undefined)
  })

  it('knows a 403 that is a matter of time from one that is a matter of rights', () => {
    assert(errorOf(403, { 'x-ratelimit-remaining': '12' }) instanceof PermanentError)
    assert.equal(waitOf(403, {}, { message: 'You have exceeded a secondary rate limit' }), 60_000)
  })
})
