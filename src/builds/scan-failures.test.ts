import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildPlan, imagePlan } from '../../test/support/samples.ts'
import type { ScanSettings } from './scan.ts'
import { explainScan } from './scan-failures.ts'

const scan: ScanSettings = {
  severities: ['HIGH'],
  onFindings: 'fail',
  ignoreFile: '.trivyignore.yaml',
  database: { repository: 'registry.acme.io/mirror/trivy-db:2', secret: 'mirror-reader' },
}
const build = buildPlan({ plan: { ...imagePlan, publish: 'apart', scan } })
const end = { exitCode: 1, reason: 'Error', message: '' }
const fatal = '2026-11-24T12:26:34Z\tFATAL\tFatal error\t'
const download = `${fatal}run error: init error: DB error: failed to download vulnerability DB: OCI artifact error: failed to download vulnerability DB: failed to download artifact from registry.acme.io/mirror/trivy-db:2: `
const explain = (...log: string[]) => explainScan(end, build, log)

/** What Trivy 0.74 prints, as it was seen. */
const said: readonly [string, readonly string[], string, 'failed' | 'error', boolean][] = [
  [
    'a registry that is not there',
    [
      `${download}OCI repository error: 1 error occurred:`,
      '\t* Get "https://registry.acme.io/v2/": dial tcp: lookup registry.acme.io on 10.0.0.10:53: no such host',
      '',
    ],
    "Trivy's database registry.acme.io/mirror/trivy-db:2 cannot be fetched: no such host",
    'error',
    true,
  ],
  [
    'a registry that refuses the login',
    [
      `${download}OCI repository error: 1 error occurred:`,
      '\t* GET https://registry.acme.io/v2/mirror/trivy-db/manifests/2: UNAUTHORIZED: authentication required',
    ],
    "Trivy's database registry.acme.io/mirror/trivy-db:2 is refused to Trivy: check Secret mirror-reader",
    'error',
    false,
  ],
  [
    'a mirror that has no database',
    [
      `${download}OCI repository error: 1 error occurred:`,
      '\t* GET https://registry.acme.io/v2/mirror/trivy-db/manifests/2: MANIFEST_UNKNOWN: manifest unknown; unknown tag=2',
    ],
    "Trivy's database registry.acme.io/mirror/trivy-db:2 is not there: check scan.database",
    'error',
    false,
  ],
  [
    'a certificate that nobody trusts',
    [
      `${download}OCI repository error: 1 error occurred:`,
      '\t* Get "https://registry.acme.io/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ],
    "Trivy's database registry.acme.io/mirror/trivy-db:2: TLS certificate refused (certificate signed by unknown authority): set skipTlsVerify under registries, or trust it",
    'error',
    false,
  ],
  [
    'a full disk',
    [
      `${fatal}run error: init error: DB error: failed to download vulnerability DB: write /kanihook/scan/cache/db/trivy.db: no space left on device`,
    ],
    "No room on the node for Trivy's database: it wants some 2 GiB of its disk",
    'error',
    false,
  ],
  [
    'an ignore file that it cannot read',
    [
      `${fatal}run error: filter error: filtering error: /kanihook/context/.trivyignore.yaml error: /kanihook/context/.trivyignore.yaml parse error: yaml decode error: yaml: line 1: did not find expected node content`,
    ],
    'Trivy cannot read .trivyignore.yaml: line 1: did not find expected node content',
    'failed',
    false,
  ],
  [
    'something else',
    [`${fatal}run error: image scan error: the moon is full`],
    'Scan failed with exit code 1: Fatal error run error: image scan error: the moon is full',
    'error',
    true,
  ],
]

describe('a scan that cannot be done', () => {
  for (const [what, log, reason, state, retry] of said) {
    it(`for ${what} says so`, () => {
      assert.deepEqual(explain('INFO', ...log), { state, reason, retry })
    })
  }

  it('for want of memory, or of trivy, says so', () => {
    const killed = explainScan({ exitCode: 137, reason: 'OOMKilled', message: '' }, build, [])
    assert.match(killed.reason, /^Trivy ran out of memory/)
    const absent = explainScan({ exitCode: 127, reason: 'Error', message: '' }, build, [])
    assert.match(absent.reason, /^SCAN_IMAGE has no trivy/)
  })
})

describe("a database whose place kanihook.yaml does not name, and Trivy's own cannot be reached", () => {
  const unnamed = buildPlan({
    plan: { ...imagePlan, publish: 'apart', scan: { severities: ['HIGH'], onFindings: 'fail' } },
  })
  const said = (what: string, place: string): string[] => [
    `${fatal}run error: ${what} error: failed to download artifact from ${place}: OCI repository error: 1 error occurred:`,
    '\t* Get "https://x/v2/": dial tcp: lookup x on 10.0.0.10:53: no such host',
  ]

  it('is told with its place and with the key that names another', () => {
    const { reason, retry } = explainScan(
      end,
      unnamed,
      said('init error: DB', 'mirror.gcr.io/aquasec/trivy-db:2'),
    )
    assert.equal(
      reason,
      "Trivy's database mirror.gcr.io/aquasec/trivy-db:2 cannot be fetched (no such host): name a copy as scan.database.repository",
    )
    assert.equal(retry, true)
    assert.ok(`${reason} (after 3 tries)`.length <= 140, 'a status has room for all of it')
  })

  it('is told for that of Java, too, though that of all else is named', () => {
    const java = said('image scan error: Java DB', 'mirror.gcr.io/aquasec/trivy-java-db:1')
    assert.equal(
      explain(...java).reason,
      "Trivy's database mirror.gcr.io/aquasec/trivy-java-db:1 cannot be fetched (no such host): name a copy as scan.database.javaRepository",
    )
  })
})

describe('a scan that finds something', () => {
  it("is the author's to mend, and names the worst", () => {
    const message = 'scan CRITICAL=1 HIGH=2\nCRITICAL\tCVE-2026-0003\tlodash\t4.17.20\t4.17.21\n'
    assert.deepEqual(explainScan({ exitCode: 10, reason: 'Error', message }, build, []), {
      state: 'failed',
      reason:
        'Not published, it is vulnerable: 1 critical, 2 high; CVE-2026-0003 in lodash 4.17.20 (fixed in 4.17.21)',
      retry: false,
    })
  })
})
