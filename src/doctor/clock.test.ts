import assert from 'node:assert/strict'
import { it } from 'node:test'
import { clockFindings } from './clock.ts'

const severities = (...offsets: number[]): string[] =>
  clockFindings(offsets.map((offsetMs, index) => ({ of: `clock ${index}`, offsetMs }))).map(
    ({ severity }) => severity,
  )

it('up to 30 s is fine, up to 5 minutes a warning, more an error, to both sides', () => {
  assert.deepEqual(severities(30_000, -30_000), ['ok'])
  assert.deepEqual(severities(30_001), ['warning'])
  assert.deepEqual(severities(-299_000), ['warning'])
  assert.deepEqual(severities(300_001), ['error'])
  assert.deepEqual(severities(-301_000), ['error'])
})

it('says which clock to mend: the one that is alone, else this one', () => {
  const [fine, off] = clockFindings([
    { of: 'Redis', offsetMs: 100 },
    { of: 'github.com', offsetMs: -45_000 },
  ])
  assert.match(fine?.message ?? '', /agrees with Redis within/)
  assert.match(off?.message ?? '', /^is 45 s ahead of github\.com$/)
  assert.match(off?.fix ?? '', /^synchronise the clock of github\.com /)
  const [alone] = clockFindings([{ of: 'Redis', offsetMs: 600_000 }])
  assert.match(alone?.message ?? '', /^is 10 min behind Redis$/)
  assert.match(alone?.fix ?? '', /^synchronise this machine's clock /)
})

it('says nothing where no clock was seen', () => assert.deepEqual(clockFindings([]), []))
