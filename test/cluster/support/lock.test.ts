import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { withLock } from './lock.ts'

test('work under one name is done one after another, and work under another name meanwhile', async () => {
  const name = `test-${process.pid}`
  const events: string[] = []
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const first = withLock(name, async () => {
    events.push('first begins')
    await released
    events.push('first ends')
  })
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>()
  const second = withLock(name, async () => events.push('second begins'), waits)
  await waiting
  await withLock(`${name}-other`, async () => events.push('other begins'))

  release()
  await Promise.all([first, second])

  assert.deepEqual(events, ['first begins', 'other begins', 'first ends', 'second begins'])
})

test('work that fails gives the lock back', async () => {
  const name = `test-failing-${process.pid}`
  const failing = withLock(name, () => Promise.reject(new Error('no')))

  await assert.rejects(failing, /no/)
  assert.equal(await withLock(name, () => Promise.resolve('done')), 'done')
})

test('a killed process holds no lock', async () => {
  const name = `test-killed-${process.pid}`
  const lock = import.meta.resolve('./lock.ts')
  const script = `import { withLock } from '${lock}'
    await withLock('${name}', () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000) }))`
  const options = ['--input-type=module-typescript', '--eval', script]
  const holder = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')

  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>()
  const next = withLock(name, () => Promise.resolve('held by the next'), waits)
  await waiting
  holder.kill('SIGKILL')

  assert.equal(await next, 'held by the next')
})
