import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { createDaemons, type Daemons } from './daemons.ts'
import { processIdentity } from './process-identity.ts'

let directory: string
let daemons: Daemons

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kanihook-daemons-'))
  daemons = createDaemons(directory)
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

test('a daemon runs until it is stopped, and a later run of this program can stop it', async () => {
  daemons.start({ name: 'sleeper', command: 'sleep', args: ['60'] })
  assert.equal(daemons.isRunning('sleeper'), true)
  assert.deepEqual(daemons.names(), ['sleeper'])

  await createDaemons(directory).stop('sleeper')

  assert.equal(daemons.isRunning('sleeper'), false)
  assert.deepEqual(daemons.names(), [])
})

test('a process that merely got the pid of an ended daemon is not touched', async () => {
  const bystander = spawn('sleep', ['60'])
  await once(bystander, 'spawn')
  const pid = bystander.pid ?? 0
  await mkdir(join(directory, 'run'))
  await writeFile(join(directory, 'run', 'etcd.pid'), `${pid} another-boot/1\n`)

  assert.equal(daemons.isRunning('etcd'), false)
  await daemons.stop('etcd')

  assert.notEqual(processIdentity(pid), undefined)
  bystander.kill('SIGKILL')
  await once(bystander, 'exit')
})

test('a daemon that ends before it is ready is reported at once, with its last words', async () => {
  daemons.start({ name: 'registry', command: 'sh', args: ['-c', 'echo no such address; exit 1'] })

  const ready = daemons.waitFor('registry', () => false, 60_000)

  await assert.rejects(ready, /registry ended before it was ready:\nno such address/)
  await daemons.stop('registry')
})

test('a program that is not installed is named', () => {
  const start = () => daemons.start({ name: 'etcd', command: 'no-such-program', args: [] })

  assert.throws(start, /cannot start no-such-program: is it installed/)
})
