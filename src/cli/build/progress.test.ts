import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgress } from './progress.ts'

test('in a terminal a bar is written over itself', () => {
  const written: string[] = []
  const told: string[] = []
  const terminal = {
    tell: (text: string) => told.push(text),
    overwrite: (text: string) => written.push(text),
  }
  let now = 0
  const progress = createProgress(terminal, 2048, () => now)
  progress.sent(100)
  now = 150
  progress.sent(1024)
  progress.sent(2048)
  progress.end()
  assert.deepEqual(written, [
    `Uploading [${'#'.repeat(15)}${' '.repeat(15)}]  50% of 2 KiB`,
    `Uploading [${'#'.repeat(30)}] 100% of 2 KiB`,
    '',
  ])
  assert.deepEqual(told, ['Uploaded 2 KiB'])
})

test('elsewhere it is a line now and then', () => {
  const told: string[] = []
  let now = 0
  const progress = createProgress({ tell: (text) => void told.push(text) }, 4096, () => now)
  progress.sent(1)
  now = 5_000
  progress.sent(1024)
  progress.sent(4096)
  progress.end()
  assert.deepEqual(told, ['Uploading: 25% of 4 KiB', 'Uploaded 4 KiB'])
})
