import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogLine } from '../builds/ports.ts'
import { isSimulated, lastLines, plainText } from './log-text.ts'

const lines = (...texts: string[]): LogLine[] =>
  texts.map((text) => ({ container: 'build', time: '2026-01-01T00:00:00.000000001Z', text }))

describe('a line of a log', () => {
  it('loses its colours, its links and its bells', () => {
    assert.equal(plainText('\x1b[1;36mTASK\x1b[0m[0000] \x07done'), 'TASK[0000] done')
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

describe('of a line of Kaniko the message is shown, with its level where that is worth a look', () => {
  it('in each of its formats', () => {
    for (const [format, line] of Object.entries({
      text: 'time="2026-11-23T23:00:00Z" level=warning msg="a \\"b\\""',
      json: '{"level":"warning","msg":"a \\"b\\"","time":"2026-11-23T23:00:00Z"}',
      color: '\x1b[33mWARN\x1b[0m[0001] a "b"                    ',
    })) {
      assert.equal(plainText(line), 'warning: a "b"', format)
      const quiet = line.replace('warning', 'info').replace('WARN', 'INFO')
      assert.equal(plainText(quiet), 'a "b"', format)
    }
  })

  it('without what JSON may hide in it', () => {
    assert.equal(plainText('{"level":"info","msg":"\\u001b[31mred\\u0007","time":"x"}'), 'red')
  })

  it('and all else stays as it is', () => {
    assert.equal(plainText('time="x" level=info msg=bare'), 'bare')
    for (const line of ['time=now', '{"level":"info"}', '{"level":1,"msg":"a","time":"b"}', '{"']) {
      assert.equal(plainText(line), line)
    }
  })
})
