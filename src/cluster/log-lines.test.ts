import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createResumption, parseLine } from './log-lines.ts'

describe('a line of a log', () => {
  it('is its time and its text, empty or with spaces', () => {
    const time = '2026-11-23T22:25:21.876008121Z'
    assert.deepEqual(parseLine(`${time} INFO[0000]  Pushed `), {
      time,
      text: 'INFO[0000]  Pushed ',
    })
    assert.deepEqual(parseLine(`${time} `), { time, text: '' })
    assert.deepEqual(parseLine(`${time} ends in CR\r`), { time, text: 'ends in CR' })
    const local = '2026-11-23T22:25:21.8+02:00'
    assert.deepEqual(parseLine(`${local} text`), { time: local, text: 'text' })
  })

  it('is not what the kubelet says itself', () => {
    assert.equal(parseLine('unable to retrieve container logs for containerd://0123'), undefined)
  })
})

describe('a resumed log', () => {
  const line = (second: number, text: string, fraction = '000000000') => ({
    time: `2026-11-23T22:25:${String(second).padStart(2, '0')}.${fraction}Z`,
    text,
  })

  it('starts from the beginning, and then a second before the last line', () => {
    const resumption = createResumption()
    assert.equal(resumption.begin(), undefined)
    resumption.isNew(line(10, 'a', '900000000'))
    assert.equal(resumption.begin(), '2026-11-23T22:25:09.000Z')
  })

  it('leaves out as many equal lines as were seen, and no more', () => {
    const resumption = createResumption()
    resumption.begin()
    for (const text of ['a', 'a', 'b']) assert.ok(resumption.isNew(line(10, text)))
    resumption.begin()
    const again = ['a', 'a', 'b', 'a', 'c'].map((text) => resumption.isNew(line(10, text)))
    assert.deepEqual(again, [false, false, false, true, true])
  })

  it('keeps a line that comes late, out of the order of times', () => {
    const resumption = createResumption()
    resumption.begin()
    assert.ok(resumption.isNew(line(10, 'stdout', '500000000')))
    resumption.begin()
    assert.ok(resumption.isNew(line(10, 'stderr', '400000000')))
    assert.ok(!resumption.isNew(line(10, 'stdout', '500000000')))
  })

  it('may be broken again before it has caught up', () => {
    const resumption = createResumption()
    resumption.begin()
    for (const text of ['a', 'b', 'c']) resumption.isNew(line(10, text))
    resumption.begin()
    assert.ok(!resumption.isNew(line(10, 'a')))
    resumption.begin()
    const again = ['a', 'b', 'c', 'd'].map((text) => resumption.isNew(line(10, text)))
    assert.deepEqual(again, [false, false, false, true])
  })
})
