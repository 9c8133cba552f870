import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createHints } from './hints.ts'

const never = new AbortController().signal
const long = 60_000

describe('hints', () => {
  it('wake the one who waits for that Job, and nobody else', async () => {
    const hints = createHints()
    hints.look('one')
    hints.look('other')
    const abort = new AbortController()
    const one = hints.wait('one', long, never)
    let woken = false
    const other = hints.wait('other', long, abort.signal).then(() => (woken = true))
    hints.tell('one')
    await one
    assert.equal(woken, false)
    abort.abort()
    await other
  })

  it('are not lost between a look and the wait after it', async () => {
    const hints = createHints()
    hints.look('job')
    hints.tell('job')
    await hints.wait('job', long, never)
  })

  it('are used up by the next look', async () => {
    const hints = createHints()
    hints.look('job')
    hints.tell('job')
    hints.look('job')
    const before = performance.now()
    await hints.wait('job', 50, never)
    assert.ok(performance.now() - before > 40)
  })

  it('reach all when anything may have changed', async () => {
    const hints = createHints()
    const jobs = ['one', 'other']
    for (const job of jobs) hints.look(job)
    const all = Promise.all(jobs.map((job) => hints.wait(job, long, never)))
    hints.tellAll()
    await all
  })

  it('do not hold up an abort that came first', async () => {
    const hints = createHints()
    await hints.wait('job', long, AbortSignal.abort())
  })
})
