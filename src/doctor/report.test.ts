import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Finding } from './finding.ts'
import { report, reportLines } from './report.ts'

const finding = (change: Partial<Finding>): Finding => ({
  area: 'redis',
  subject: 'redis:6379',
  severity: 'ok',
  message: 'answers',
  ...change,
})
const bad = finding({ severity: 'error', message: 'is full', fix: 'make room' })
const odd = finding({
  area: 'clock',
  subject: 'this machine',
  severity: 'warning',
  message: 'is slow',
})

const lines = (...findings: Finding[]): string[] => reportLines(report(findings), { colour: false })

it('the exit code is that of the worst: 0 fine, 1 warnings, 2 errors', () => {
  assert.equal(report([finding({})]).exitCode, 0)
  assert.equal(report([finding({}), odd]).exitCode, 1)
  assert.equal(report([odd, bad, finding({})]).exitCode, 2)
})

it('each finding is one line: what was looked at, what is there, what to do', () => {
  assert.deepEqual(lines(bad, odd, finding({})), [
    '✓ redis       redis:6379: answers',
    '✗ redis       redis:6379: is full → make room',
    '! clock       this machine: is slow',
    '',
    '1 error, 1 warning.',
  ])
  assert.equal(lines(finding({})).at(-1), 'All is fine.')
})

it('what a server said cannot start a line of its own', () => {
  const [line, ...rest] = lines(finding({ message: 'said\r\n✓ all \u001b[32mis well\n' }))
  assert.equal(line, '✓ redis       redis:6379: said ✓ all [32mis well')
  assert.equal(rest.length, 2)
})

it('colours are escape sequences around the mark alone', () => {
  const [line = ''] = reportLines(report([bad]), { colour: true })
  assert(line.startsWith('\u001b[31m✗\u001b[39m redis'), JSON.stringify(line))
  assert(!lines(bad).join('').includes('\u001b'))
})
