import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countsText, findingText, readScan, worstOf } from './scan.ts'

const read = (...lines: string[]) => readScan({ message: lines.join('\n') })

describe('what a scan tells', () => {
  it('is its numbers and its findings', () => {
    const report = read(
      'scan CRITICAL=1 HIGH=2 MEDIUM=0 LOW=0 UNKNOWN=0',
      'CRITICAL\tCVE-2026-0003\tlodash\t4.17.20\t4.17.21, 5.0.0',
      'HIGH\tCVE-2026-0001\tbusybox\t1.37.0-r18\t',
    )!
    assert.deepEqual(report.counts, { CRITICAL: 1, HIGH: 2 })
    assert.equal(countsText(report), '1 critical, 2 high')
    assert.deepEqual(report.findings.map(findingText), [
      'CVE-2026-0003 in lodash 4.17.20 (fixed in 4.17.21, 5.0.0)',
      'CVE-2026-0001 in busybox 1.37.0-r18',
    ])
  })

  it('is nothing where a container says something else', () => {
    for (const line of ['', 'scanned', 'scan CRITICAL=x', 'registry/app:main@sha256:00']) {
      assert.equal(read(line), undefined, line)
    }
  })

  it('leaves out what was cut short and what no package can be called', () => {
    const report = read(
      'scan HIGH=4',
      'HIGH\tCVE-1\tname with spaces\t1\t2',
      'HIGH\tCVE-2\t<script>\t1\t2\tmore',
      'WORSE\tCVE-3\tname\t1\t2',
      'HIGH\tCVE-4\tnam',
    )!
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.counts, { HIGH: 4 })
  })

  it('of several platforms is the most of each severity, and not their sum', () => {
    const scans = [
      read('scan CRITICAL=1 HIGH=2', 'CRITICAL\tCVE-1\ta\t1\t2')!,
      read('scan HIGH=5')!,
    ]
    assert.equal(countsText(worstOf(scans)!), '1 critical, 5 high')
    assert.equal(worstOf([]), undefined)
  })
})
