import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jobWarningRemark, warningsOf } from './pod-security.ts'

describe("a warning of the API about a build's Job", () => {
  const restricted = 'would violate PodSecurity "restricted:latest": runAsNonRoot != true'
  const said = (text: string, enforced?: string) => {
    const { severity, fix = '' } = jobWarningRemark(text, enforced)
    return `${severity} ${fix}`
  }

  it('of a level that is not enforced is fine, and said', () => {
    assert.equal(said(restricted, 'baseline'), 'ok ')
    assert.equal(said(restricted, 'privileged'), 'ok ')
    assert.match(
      jobWarningRemark(restricted, 'baseline').message,
      /restricted:latest.*so builds run/,
    )
  })

  it('of a level that is enforced, or may be, says which label to set', () => {
    for (const enforced of ['restricted', undefined, 'misspelt']) {
      assert.match(said(restricted, enforced), /^warning .*enforce=baseline$/)
    }
  })

  it('of something else is quoted without advice', () => {
    for (const text of ['batch/v1 Job is deprecated', 'your policy: no PodSecurity restricted']) {
      assert.equal(said(text), 'warning ')
    }
  })
})

it("the API's Warning header is read, several and with quotes", () => {
  assert.deepEqual(
    warningsOf(
      '299 - "would violate PodSecurity \\"restricted:latest\\": runAsNonRoot, x", 299 - "old"',
    ),
    ['would violate PodSecurity "restricted:latest": runAsNonRoot, x', 'old'],
  )
  assert.deepEqual(warningsOf(undefined), [])
})
