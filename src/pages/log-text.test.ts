import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogLine } from '../builds/ports.ts'
import { isSimulated, lastLines, plainText } from './log-text.ts'

const lines = (...texts: string[]): LogLine[] =>
  texts.map((text) => ({ container: 'build', time: '2026-01-01T00:00:00.000000001Z', text }))

describe('a line of a log', () => {
  it('loses its colours, its links and its bells', () => {
    assert.equal(plainText('\x1b[1;36mINFO\x1b[0m[0000] \x07done'), 'INFO[0000] done')
    // Some terminals take these for the beginnings of commands, too.
    assert.equal(plainText('a\x90b\x85c'), 'abc')
    assert.equal(plainText('\x1b]8;;https://x\x07text\x1b]8;;\x07'), 'text')
  })

  it('is the last of what a progress bar wrote over itself', () => {
    assert.equal(plainText('10%\r50%\r100%\r'), '100%')
  })

  it('keeps tabs and every script', () => {
    assert.equal(plainText('\ta größe 日本語 🎉'), '\ta größe 日本語 🎉')
  })
})

describe('the last lines', () => {
  it('are those that say something', () => {
    assert.deepEqual(lastLines(lines('one', 'two', '', 'three', '\x1b[0m', ' '), 2), [
      'two',
      'three',
    ])
    assert.deepEqual(lastLines([], 2), [])
  })
})

describe('a log', () => {
  it('is simulated when one of its lines begins so', () => {
    assert(isSimulated(lines('one', '[simulated] pushed')))
    assert(!isSimulated(lines('echo [simulated]')))
  })
})

it('of a line of Kaniko the message is shown, with its level where that is worth a look', () => {
  const line = (level: string): string =>
    `time="2026-11-23T23:00:00Z" level=${level} msg="a \\"b\\""`
  assert.equal(plainText(line('info')), 'a "b"')
  assert.equal(plainText(line('warning')), 'warning: a "b"')
  assert.equal(plainText('time="x" level=info msg=bare'), 'bare')
  assert.equal(plainText('time=now'), 'time=now')
})
