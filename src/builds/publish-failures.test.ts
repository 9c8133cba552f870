import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildPlan, imagePlan } from '../../test/support/samples.ts'
import { explainPublish } from './publish-failures.ts'

const digest = `sha256:${'a'.repeat(64)}`
const repository = 'r.io/acme/app'
const plan = { ...imagePlan, publish: 'apart', pushSecret: 'credentials' } as const

function explained(...log: string[]) {
  const end = { exitCode: 1, reason: 'Error', message: '' }
  return explainPublish(end, buildPlan({ plan }), log)
}

/** What crane says, for the person who reads the status; `retry`: another try may help. */
const errors: readonly [says: string, reason: string, retry: boolean][] = [
  [
    'POST https://r.io/v2/acme/app/blobs/uploads/: UNAUTHORIZED: authentication required',
    'Registry r.io refused the login for push: check Secret credentials',
    false,
  ],
  [
    'GET https://r.io/token?service=r.io: unexpected status code 401 Unauthorized: no',
    'Registry r.io refused the login for push: check Secret credentials',
    false,
  ],
  [
    'POST https://r.io/v2/acme/app/blobs/uploads/: DENIED: requested access to the resource is denied',
    'Push to r.io/acme/app denied: is a login that may write there in Secret credentials?',
    false,
  ],
  [
    'POST https://r.io/v2/acme/app/blobs/uploads/: NAME_UNKNOWN: The repository does not exist',
    'Push to r.io/acme/app denied: is a login that may write there in Secret credentials?',
    false,
  ],
  [
    'Get "https://r.io/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    'TLS certificate of r.io refused (certificate signed by unknown authority): set skipTlsVerify under registries, or trust it',
    false,
  ],
  [
    'Get "https://r.io/v2/": dial tcp: lookup r.io on 10.0.0.1:53: no such host',
    'Registry r.io does not answer: no such host',
    true,
  ],
  [
    'PUT https://r.io/v2/acme/app/manifests/x: unexpected status code 503 Service Unavailable: later',
    'Registry r.io does not answer: 503',
    true,
  ],
  ['something new', 'Push to r.io/acme/app failed midway: something new', true],
]

describe('what crane says about a push', () => {
  for (const [says, reason, retry] of errors) {
    test(says, () => {
      assert.deepEqual(explained(`Pushing to ${repository}: ${digest}`, `Error: ${says}`), {
        state: 'error',
        reason,
        retry,
      })
    })
  }

  test('is told of the place that it is about', () => {
    const { reason } = explained(
      `Pushing to other.io/x: ${digest}`,
      `Pushing to ${repository}: ${digest}`,
      `Tagging other.io/x:main`,
      `Tagging ${repository}:main`,
      'Error: PUT https://r.io/v2/acme/app/manifests/main: MANIFEST_INVALID: cannot update tag main. The repository has enabled tag immutability',
    )
    assert.equal(
      reason,
      'Tag r.io/acme/app:main exists and is immutable: use tags that are new for each commit, such as {shortSha}',
    )
  })

  test('is not asked for where a RUN step has put a link', () => {
    const failure = explained("The image's folder holds a link: a RUN step has put it there")
    assert.deepEqual([failure.state, failure.retry], ['failed', false])
    assert.match(failure.reason, /^A RUN step wrote into \/kanihook/)
  })

  test('that has no log is told with the exit code', () => {
    assert.equal(explained().reason, 'Push failed with exit code 1')
  })
})
