import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Writable } from 'node:stream'
import { createLogger } from './logger.ts'

function capture(format: 'json' | 'pretty', level = 'info') {
  let text = ''
  const destination = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  return { logger: createLogger({ level, format, destination }), text: () => text }
}

describe('the log', () => {
  it('is a JSON object per line, with the level in words and the time as people write it', () => {
    const { logger, text } = capture('json')
    logger.info({ forge: 'github' }, 'webhook')
    const { time, ...line } = JSON.parse(text()) as Record<string, string>
    assert.deepEqual(line, { level: 'info', forge: 'github', msg: 'webhook' })
    assert.match(time ?? '', /^\d{4}-\d\d-\d\dT.+Z$/)
  })

  it('is for people where that is asked for', () => {
    const { logger, text } = capture('pretty')
    logger.warn('the file is bad')
    assert.match(text(), /WARN.*the file is bad/)
    assert.throws(() => JSON.parse(text()))
  })

  it('leaves out what is below its level', () => {
    const { logger, text } = capture('json', 'warn')
    logger.info('nothing of interest')
    assert.equal(text(), '')
  })

  it('masks what holds secrets, at any depth', () => {
    const { logger, text } = capture('json')
    logger.info({
      token: 'canary',
      request: { headers: { 'x-gitlab-token': 'canary' }, url: '/x' },
      list: [{ deeper: { password: 'canary' } }],
    })
    assert(!text().includes('canary'), text())
    assert(text().includes('"url":"/x"'))
  })

  it('tells of an error its name, message, stack and causes, and nothing that hangs on it', () => {
    const { logger, text } = capture('json')
    const cause = Object.assign(new Error('connection refused'), { args: ['AUTH', 'canary'] })
    const error = Object.assign(new TypeError('not stored', { cause }), { request: 'canary' })
    logger.error({ err: error }, 'failed')
    const { err } = JSON.parse(text()) as { err: Record<string, unknown> }
    assert.equal(err['type'], 'TypeError')
    assert.equal(err['message'], 'not stored')
    assert.match(String(err['stack']), /logger\.test\.ts/)
    assert.equal((err['cause'] as Record<string, unknown>)['message'], 'connection refused')
    assert(!text().includes('canary'), text())
  })
})
